// The data API as programs with the AWS SDK for JavaScript v3 use it, theme by theme: node themes.mjs ENDPOINT
// Each theme is a test with a table of its own; all run, and the process fails when one did.
import assert from 'node:assert/strict';
import {
  BatchExecuteStatementCommand, BatchWriteItemCommand, ConditionalCheckFailedException, CreateTableCommand, DeleteTableCommand,
  DescribeTableCommand, DescribeTimeToLiveCommand, DuplicateItemException, DynamoDBClient, DynamoDBServiceException,
  ExecuteStatementCommand, ExecuteTransactionCommand, GetItemCommand, IdempotentParameterMismatchException,
  ListTablesCommand, ListTagsOfResourceCommand, paginateListTables, paginateQuery as paginatePlainQuery, PutItemCommand,
  QueryCommand as PlainQueryCommand, ResourceInUseException, ResourceNotFoundException, TagResourceCommand,
  TransactionCanceledException, UntagResourceCommand, UpdateItemCommand, UpdateTableCommand, UpdateTimeToLiveCommand,
  waitUntilTableExists, waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand, BatchWriteCommand, DeleteCommand, DynamoDBDocumentClient, GetCommand, NumberValue, paginateQuery, paginateScan,
  PutCommand, QueryCommand, ScanCommand, TransactGetCommand, TransactWriteCommand, UpdateCommand,
} from '@aws-sdk/lib-dynamodb';

const [endpoint] = process.argv.slice(2);
const open = () => new DynamoDBClient({
  region: 'us-east-1', endpoint, credentials: {accessKeyId: 'test', secretAccessKey: 'test'}, maxAttempts: 1,
});
const plain = open();
const document = DynamoDBDocumentClient.from(plain, {marshallOptions: {removeUndefinedValues: true}});
const WAIT = {client: plain, minDelay: 1, maxDelay: 1, maxWaitTime: 20};

let made = 0;
async function table({sort = true, ...more} = {}) {
  const TableName = `theme-${++made}`;
  const key = (AttributeName, KeyType) => ({AttributeName, KeyType});
  const type = (AttributeName, AttributeType) => ({AttributeName, AttributeType});
  const {attributes = [], ...rest} = more;
  await plain.send(new CreateTableCommand({
    TableName, BillingMode: 'PAY_PER_REQUEST',
    KeySchema: sort ? [key('pk', 'HASH'), key('sk', 'RANGE')] : [key('pk', 'HASH')],
    AttributeDefinitions: [type('pk', 'S'), ...(sort ? [type('sk', 'N')] : []), ...attributes.map((a) => type(...a))], ...rest,
  }));
  await waitUntilTableExists(WAIT, {TableName});
  return TableName;
}

async function fails(type, message, promise) {
  const error = await promise.then(() => assert.fail('it should have failed'), (e) => e);
  assert.ok(error instanceof type, `${error.name} is no ${type.name}: ${error.message}`);
  assert.ok(error instanceof DynamoDBServiceException);
  if (message) assert.match(error.message, message);
  return error;
}
const invalid = (message, promise) => fails(DynamoDBServiceException, message, promise).then((error) => {
  assert.equal(error.name, 'ValidationException');
  assert.equal(error.$metadata.httpStatusCode, 400);
  return error;
});
// Paginators write into the request that they are given: each gets one of its own.
const all = async (pages, of = 'Items') => {
  const found = [];
  for await (const page of pages) found.push(...page[of] ?? []);
  return found;
};
const sorts = (items) => items.map((item) => item.sk);

const themes = {
  async 'items keep their types'() {
    const TableName = await table();
    const item = {
      pk: 'types', sk: -1.5, text: 'h\u00e9llo \u{1F30D}', empty: '', yes: true, none: null, list: [1, 'two', [null, {deep: [false]}]],
      map: {a: {b: {c: 1e-10}}}, strings: new Set(['x', 'y']), numbers: new Set([1, 2.5]),
      bytes: new Uint8Array([0, 127, 255]), chunks: new Set([new Uint8Array([1]), new Uint8Array([2])]),
    };
    await document.send(new PutCommand({TableName, Item: {...item, left_out: undefined}}));
    const Key = {pk: 'types', sk: -1.5};
    assert.deepEqual((await document.send(new GetCommand({TableName, Key, ConsistentRead: true}))).Item, item);
    // A client of its own: the settings are kept in the one below.
    const exact = DynamoDBDocumentClient.from(open(), {unmarshallOptions: {wrapNumbers: true}});
    const big = '12345678901234567890123456789012345678';
    await exact.send(new PutCommand({TableName, Item: {pk: 'exact', sk: 1, n: NumberValue.from(big)}}));
    const read = (await exact.send(new GetCommand({TableName, Key: {pk: 'exact', sk: 1}}))).Item;
    assert.equal(read.n.toString(), big);
    const raw = (await plain.send(new GetItemCommand({TableName, Key: {pk: {S: 'types'}, sk: {N: '-1.5'}}}))).Item;
    assert.deepEqual(raw.none, {NULL: true});
    assert.equal(raw.numbers.NS.length, 2);
    assert.equal((await document.send(new GetCommand({TableName, Key: {pk: 'no', sk: 0}}))).Item, undefined);
  },

  async 'conditions and return values'() {
    const TableName = await table();
    const Key = {pk: 'a', sk: 1};
    const put = (Item, more) => document.send(new PutCommand({TableName, Item, ...more}));
    await put({...Key, n: 5, tags: new Set(['x'])});
    const error = await fails(ConditionalCheckFailedException, /^The conditional request failed$/, put(Key, {
      ConditionExpression: 'attribute_not_exists(pk)', ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    }));
    assert.deepEqual(error.Item.n, {N: '5'});
    for (const [condition, values] of [
      ['n BETWEEN :a AND :b', {':a': 5, ':b': 6}], ['n IN (:a, :b)', {':a': 4, ':b': 5}], ['contains(tags, :a)', {':a': 'x'}],
      ['size(tags) = :a AND NOT n < :b', {':a': 1, ':b': 5}], ['attribute_type(tags, :a) OR n > :b', {':a': 'SS', ':b': 9}],
      ['begins_with(pk, :a)', {':a': 'a'}],
    ]) {
      await document.send(new UpdateCommand({
        TableName, Key, UpdateExpression: 'SET seen = list_append(if_not_exists(seen, :none), :one)', ConditionExpression: condition,
        ExpressionAttributeValues: {...values, ':none': [], ':one': [condition]},
      }));
    }
    const update = (more) => document.send(new UpdateCommand({TableName, Key, ...more}));
    const changed = await update({
      UpdateExpression: 'SET n = n - :two ADD tags :more REMOVE seen[0]', ReturnValues: 'UPDATED_NEW',
      ExpressionAttributeValues: {':two': 2, ':more': new Set(['y'])},
    });
    assert.equal(changed.Attributes.n, 3);
    assert.deepEqual(changed.Attributes.tags, new Set(['x', 'y']));
    assert.deepEqual((await update({
      UpdateExpression: 'DELETE tags :x', ExpressionAttributeValues: {':x': new Set(['x', 'y'])}, ReturnValues: 'ALL_NEW',
    })).Attributes.tags, undefined);
    const gone = await document.send(new DeleteCommand({
      TableName, Key, ConditionExpression: '#n = :n', ExpressionAttributeNames: {'#n': 'n'}, ExpressionAttributeValues: {':n': 3},
      ReturnValues: 'ALL_OLD', ReturnConsumedCapacity: 'TOTAL',
    }));
    assert.equal(gone.Attributes.seen.length, 5);
    assert.equal(gone.ConsumedCapacity.CapacityUnits, 1);
    await fails(ConditionalCheckFailedException, undefined, document.send(new DeleteCommand({
      TableName, Key, ConditionExpression: 'attribute_exists(pk)',
    })));
  },

  async 'queries and scans page'() {
    const TableName = await table();
    for (let sk = 0; sk < 40; sk += 20) {
      await document.send(new BatchWriteCommand({RequestItems: {[TableName]: Array.from({length: 20}, (_, i) => ({
        PutRequest: {Item: {pk: 'p', sk: sk + i, even: (sk + i) % 2 === 0, pad: 'x'.repeat(1000)}},
      }))}}));
    }
    const ask = {TableName, KeyConditionExpression: 'pk = :p', ExpressionAttributeValues: {':p': 'p'}};
    const client = document;
    assert.deepEqual(sorts(await all(paginateQuery({client, pageSize: 7}, {...ask}))), Array.from({length: 40}, (_, i) => i));
    assert.deepEqual(sorts(await all(paginateQuery({client, pageSize: 9}, {...ask, ScanIndexForward: false}))),
      Array.from({length: 40}, (_, i) => 39 - i));
    const even = {...ask, FilterExpression: 'even = :t', ExpressionAttributeValues: {':p': 'p', ':t': true}};
    const page = await document.send(new QueryCommand({...even, Limit: 5}));
    assert.deepEqual([page.Count, page.ScannedCount, page.LastEvaluatedKey], [3, 5, {pk: 'p', sk: 4}]);
    assert.equal((await all(paginateQuery({client, pageSize: 5}, {...even}))).length, 20);
    const range = {...ask, KeyConditionExpression: 'pk = :p AND sk BETWEEN :a AND :b'};
    range.ExpressionAttributeValues = {':p': 'p', ':a': 5, ':b': 7};
    assert.deepEqual(await all(paginateQuery({client}, {...range, ProjectionExpression: 'sk'})), [{sk: 5}, {sk: 6}, {sk: 7}]);
    assert.equal((await document.send(new QueryCommand({...ask, Select: 'COUNT'}))).Items, undefined);
    assert.equal((await all(paginateScan({client, pageSize: 3}, {TableName}))).length, 40);
    const parts = await Promise.all([0, 1, 2].map((Segment) => all(paginateScan({client}, {TableName, Segment, TotalSegments: 3}))));
    assert.deepEqual(sorts(parts.flat()).sort((a, b) => a - b), Array.from({length: 40}, (_, i) => i));
    const plainly = await all(paginatePlainQuery({client: plain, pageSize: 11}, {...ask, ExpressionAttributeValues: {':p': {S: 'p'}}}));
    assert.equal(plainly.length, 40);
    await invalid(/starting key/, document.send(new QueryCommand({...ask, ExclusiveStartKey: {pk: 'other', sk: 1}})));
    await invalid(/Limit|limit/, document.send(new QueryCommand({...ask, Limit: 0})));
  },

  async 'answers end at a megabyte'() {
    const TableName = await table();
    for (let sk = 0; sk < 6; ++sk) await document.send(new PutCommand({TableName, Item: {pk: 'big', sk, pad: 'x'.repeat(300000)}}));
    const ask = {TableName, KeyConditionExpression: 'pk = :p', ExpressionAttributeValues: {':p': 'big'}};
    const first = await document.send(new QueryCommand(ask));
    assert.ok(first.LastEvaluatedKey && first.Items.length < 6);
    assert.deepEqual(sorts(await all(paginateQuery({client: document}, {...ask}))), [0, 1, 2, 3, 4, 5]);
    await invalid(/Item size has exceeded/, document.send(new PutCommand({TableName, Item: {pk: 'big', sk: 9, pad: 'x'.repeat(410000)}})));
  },

  async batches() {
    const [TableName, other] = [await table(), await table({sort: false})];
    const written = await document.send(new BatchWriteCommand({
      RequestItems: {
        [TableName]: Array.from({length: 20}, (_, sk) => ({PutRequest: {Item: {pk: 'b', sk}}})),
        [other]: Array.from({length: 5}, (_, i) => ({PutRequest: {Item: {pk: `o${i}`}}})),
      }, ReturnConsumedCapacity: 'TOTAL',
    }));
    assert.deepEqual(written.UnprocessedItems, {});
    assert.equal(written.ConsumedCapacity.reduce((sum, one) => sum + one.CapacityUnits, 0), 25);
    const got = await document.send(new BatchGetCommand({RequestItems: {
      [TableName]: {Keys: [{pk: 'b', sk: 3}, {pk: 'none', sk: 3}], ConsistentRead: true, ProjectionExpression: 'sk'},
      [other]: {Keys: [{pk: 'o1'}]},
    }}));
    assert.deepEqual(got.Responses, {[TableName]: [{sk: 3}], [other]: [{pk: 'o1'}]});
    assert.deepEqual(got.UnprocessedKeys, {});
    await document.send(new BatchWriteCommand({RequestItems: {[other]: [{DeleteRequest: {Key: {pk: 'o1'}}}]}}));
    assert.equal((await document.send(new ScanCommand({TableName: other, Select: 'COUNT'}))).Count, 4);
    await invalid(/contains duplicates/, document.send(new BatchWriteCommand({RequestItems: {[other]: [
      {PutRequest: {Item: {pk: 'same'}}}, {DeleteRequest: {Key: {pk: 'same'}}},
    ]}})));
    await invalid(/less than or equal to 25/, document.send(new BatchWriteCommand({RequestItems: {
      [other]: Array.from({length: 26}, (_, i) => ({PutRequest: {Item: {pk: `m${i}`}}})),
    }})));
    await invalid(/less than or equal to 100/, document.send(new BatchGetCommand({RequestItems: {
      [other]: {Keys: Array.from({length: 101}, (_, i) => ({pk: `m${i}`}))},
    }})));
    await fails(ResourceNotFoundException, undefined, plain.send(new BatchWriteItemCommand({RequestItems: {
      nowhere: [{PutRequest: {Item: {pk: {S: 'a'}}}}],
    }})));
  },

  async transactions() {
    const TableName = await table({sort: false});
    const write = (TransactItems, more) => document.send(new TransactWriteCommand({TransactItems, ...more}));
    await write([
      {Put: {TableName, Item: {pk: 'a', n: 1}}}, {Put: {TableName, Item: {pk: 'b', n: 1}}},
      {ConditionCheck: {TableName, Key: {pk: 'c'}, ConditionExpression: 'attribute_not_exists(pk)'}},
    ]);
    const add = (pk) => ({Update: {TableName, Key: {pk}, UpdateExpression: 'SET n = n + :i', ExpressionAttributeValues: {':i': 1}}});
    const once = {ClientRequestToken: 'js-token'};
    for (let i = 0; i < 3; ++i) await write([add('a'), add('b')], once);
    await fails(IdempotentParameterMismatchException, undefined, write([add('a')], once));
    const check = {TableName, ConditionExpression: 'n = :n', ExpressionAttributeValues: {':n': 9}};
    const error = await fails(TransactionCanceledException, /\[None, ConditionalCheckFailed, ConditionalCheckFailed\]/, write([
      {Put: {TableName, Item: {pk: 'new'}}}, {ConditionCheck: {...check, Key: {pk: 'a'}, ReturnValuesOnConditionCheckFailure: 'ALL_OLD'}},
      {Delete: {...check, Key: {pk: 'b'}}},
    ]));
    assert.deepEqual(error.CancellationReasons.map((reason) => reason.Code), ['None', 'ConditionalCheckFailed', 'ConditionalCheckFailed']);
    assert.equal(error.CancellationReasons[0].Message, undefined);
    assert.equal(error.CancellationReasons[1].Message, 'The conditional request failed');
    assert.ok(error.CancellationReasons[1].Item && !error.CancellationReasons[2].Item);
    const read = await document.send(new TransactGetCommand({
      TransactItems: ['a', 'b', 'new'].map((pk) => ({Get: {TableName, Key: {pk}}})), ReturnConsumedCapacity: 'TOTAL',
    }));
    assert.deepEqual(read.Responses.map((one) => one.Item?.n), [2, 2, undefined]);
    assert.equal(read.ConsumedCapacity[0].CapacityUnits, 6);
    await invalid(/multiple operations on one item/, write([add('a'), add('a')]));
    await invalid(/less than or equal to 100/, write(Array.from({length: 101}, (_, i) => add(`k${i}`))));
  },

  async indexes() {
    const index = (IndexName, ...keys) => ({
      IndexName, KeySchema: keys.map(([AttributeName, KeyType]) => ({AttributeName, KeyType})), Projection: {ProjectionType: 'ALL'},
    });
    const TableName = await table({
      attributes: [['g', 'S'], ['l', 'S']],
      GlobalSecondaryIndexes: [index('by-g', ['g', 'HASH'], ['sk', 'RANGE'])],
      LocalSecondaryIndexes: [{...index('by-l', ['pk', 'HASH'], ['l', 'RANGE']), Projection: {ProjectionType: 'KEYS_ONLY'}}],
    });
    for (let sk = 0; sk < 6; ++sk) {
      const g = sk === 5 ? undefined : `g${sk % 2}`;
      await document.send(new PutCommand({TableName, Item: {pk: 'p', sk, g, l: `l${9 - sk}`, extra: sk}}));
    }
    const ask = (IndexName, KeyConditionExpression, values, more) => ({
      TableName, IndexName, KeyConditionExpression, ExpressionAttributeValues: values, ...more,
    });
    const global = ask('by-g', 'g = :g', {':g': 'g0'});
    assert.deepEqual(sorts(await all(paginateQuery({client: document, pageSize: 1}, {...global}))), [0, 2, 4]);
    const local = ask('by-l', 'pk = :p AND l > :l', {':p': 'p', ':l': 'l5'}, {ConsistentRead: true});
    assert.deepEqual(sorts((await document.send(new QueryCommand(local))).Items), [3, 2, 1, 0]);
    const whole = await document.send(new QueryCommand({...local, Select: 'ALL_ATTRIBUTES'}));
    assert.deepEqual(whole.Items.map((item) => item.extra), [3, 2, 1, 0]);
    assert.equal((await document.send(new ScanCommand({TableName, IndexName: 'by-g'}))).Count, 5);
    await invalid(/Consistent reads are not supported on global secondary indexes/,
      document.send(new QueryCommand({...global, ConsistentRead: true})));
    await invalid(/does not have the specified index/, document.send(new QueryCommand({...global, IndexName: 'none'})));
    await invalid(/Type mismatch for Index Key g Expected: S Actual: N/, document.send(new PutCommand({TableName, Item: {pk: 'p', sk: 7, g: 7}})));
    await plain.send(new UpdateTableCommand({
      TableName, AttributeDefinitions: [{AttributeName: 'extra', AttributeType: 'N'}],
      GlobalSecondaryIndexUpdates: [{Create: index('by-extra', ['extra', 'HASH'])}],
    }));
    const described = async () => (await plain.send(new DescribeTableCommand({TableName}))).Table.GlobalSecondaryIndexes
      .find((one) => one.IndexName === 'by-extra');
    while ((await described()).IndexStatus !== 'ACTIVE') await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(sorts(await all(paginateQuery({client: document}, ask('by-extra', 'extra = :o', {':o': 4})))), [4]);
  },

  async 'time to live'() {
    const TableName = await table({sort: false});
    const change = (Enabled, AttributeName = 'expires') => plain.send(new UpdateTimeToLiveCommand({
      TableName, TimeToLiveSpecification: {Enabled, AttributeName},
    }));
    const status = async () => (await plain.send(new DescribeTimeToLiveCommand({TableName}))).TimeToLiveDescription;
    assert.deepEqual(await status(), {TimeToLiveStatus: 'DISABLED'});
    assert.deepEqual((await change(true)).TimeToLiveSpecification, {Enabled: true, AttributeName: 'expires'});
    assert.equal((await status()).AttributeName, 'expires');
    await invalid(undefined, change(true, 'another'));
    const now = Math.floor(Date.now() / 1000);
    await document.send(new PutCommand({TableName, Item: {pk: 'old', expires: now - 10}}));
    await document.send(new PutCommand({TableName, Item: {pk: 'kept', expires: now + 3600}}));
    const has = async (pk) => (await document.send(new GetCommand({TableName, Key: {pk}}))).Item !== undefined;
    for (const end = Date.now() + 30000; await has('old');) {
      assert.ok(Date.now() < end, 'the expired item stays');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.ok(await has('kept'));
  },

  async PartiQL() {
    const TableName = await table();
    const run = (Statement, ...values) => document.send(new ExecuteStatementCommand({
      Statement, Parameters: values.length ? values.map((value) => typeof value === 'number' ? {N: `${value}`} : {S: value}) : undefined,
    }));
    for (let sk = 0; sk < 4; ++sk) await run(`INSERT INTO "${TableName}" VALUE {'pk': ?, 'sk': ?, 'n': ?}`, 'p', sk, sk * 10);
    await fails(DuplicateItemException, undefined, run(`INSERT INTO "${TableName}" VALUE {'pk': 'p', 'sk': 1}`));
    const some = async (where) => (await run(`SELECT sk FROM "${TableName}" WHERE ${where}`)).Items.map((item) => Number(item.sk.N));
    assert.deepEqual(await some(`pk = 'p' AND sk > 1`), [2, 3]);
    assert.deepEqual(await some(`pk = 'p' AND (sk = 0 OR sk = 3)`), [0, 3]);
    assert.deepEqual(await some(`pk = 'p' AND sk IN [1, 2] AND n >= 20`), [2]);
    await run(`UPDATE "${TableName}" SET n = n + 1 WHERE pk = 'p' AND sk = 1`);
    await fails(ConditionalCheckFailedException, undefined, run(`UPDATE "${TableName}" SET n = 0 WHERE pk = 'p' AND sk = 1 AND n = 0`));
    const batch = await plain.send(new BatchExecuteStatementCommand({Statements: [
      {Statement: `SELECT n FROM "${TableName}" WHERE pk = 'p' AND sk = 1`}, {Statement: `SELECT n FROM nowhere WHERE pk = 'p'`},
    ]}));
    assert.deepEqual(batch.Responses[0].Item, {n: {N: '11'}});
    assert.equal(batch.Responses[1].Error.Code, 'ResourceNotFound');
    const error = await fails(TransactionCanceledException, undefined, plain.send(new ExecuteTransactionCommand({TransactStatements: [
      {Statement: `DELETE FROM "${TableName}" WHERE pk = 'p' AND sk = 0`},
      {Statement: `UPDATE "${TableName}" SET n = 0 WHERE pk = 'p' AND sk = 1 AND n = 5`},
    ]})));
    assert.deepEqual(error.CancellationReasons.map((reason) => reason.Code), ['None', 'ConditionalCheckFailed']);
    assert.equal((await some(`pk = 'p'`)).length, 4);
  },

  async 'tables, tags, waiters and errors'() {
    const TableName = await table({sort: false, Tags: [{Key: 'team', Value: 'a'}]});
    const again = {TableName, BillingMode: 'PAY_PER_REQUEST', KeySchema: [{AttributeName: 'pk', KeyType: 'HASH'}],
      AttributeDefinitions: [{AttributeName: 'pk', AttributeType: 'S'}]};
    await fails(ResourceInUseException, undefined, plain.send(new CreateTableCommand(again)));
    const {Table} = await plain.send(new DescribeTableCommand({TableName}));
    assert.equal(Table.TableStatus, 'ACTIVE');
    assert.ok(Table.CreationDateTime instanceof Date);
    const ResourceArn = Table.TableArn;
    const tags = async () => Object.fromEntries(
      (await plain.send(new ListTagsOfResourceCommand({ResourceArn}))).Tags.map((tag) => [tag.Key, tag.Value]));
    await plain.send(new TagResourceCommand({ResourceArn, Tags: [{Key: 'stage', Value: 'test'}]}));
    assert.deepEqual(await tags(), {team: 'a', stage: 'test'});
    await plain.send(new UntagResourceCommand({ResourceArn, TagKeys: ['team']}));
    assert.deepEqual(await tags(), {stage: 'test'});
    assert.ok((await all(paginateListTables({client: plain, pageSize: 2}, {}), 'TableNames')).includes(TableName));
    assert.equal((await plain.send(new ListTablesCommand({Limit: 1}))).TableNames.length, 1);
    const Key = {pk: {S: 'a'}};
    const missing = await fails(ResourceNotFoundException, /^Requested resource not found$/, plain.send(new GetItemCommand({TableName: 'nowhere', Key})));
    assert.equal(missing.$fault, 'client');
    assert.ok(missing.$metadata.requestId);
    await invalid(/Missing the key pk in the item/, plain.send(new PutItemCommand({TableName, Item: {x: {S: 'a'}}})));
    await invalid(/does not match the schema/, plain.send(new GetItemCommand({TableName, Key: {x: {S: 'a'}}})));
    await invalid(/^Invalid UpdateExpression: Syntax error/, plain.send(new UpdateItemCommand({TableName, Key, UpdateExpression: 'SET'})));
    await invalid(/attribute value|empty string/, plain.send(new PutItemCommand({TableName, Item: {pk: {S: ''}}})));
    await invalid(/reserved keyword/, plain.send(new PlainQueryCommand({
      TableName, KeyConditionExpression: 'pk = :p', FilterExpression: 'size = :p', ExpressionAttributeValues: {':p': {S: 'a'}},
    })));
    await plain.send(new DeleteTableCommand({TableName}));
    await waitUntilTableNotExists(WAIT, {TableName});
    await fails(ResourceNotFoundException, undefined, plain.send(new DescribeTableCommand({TableName})));
  },
};

let failed = 0;
for (const [name, theme] of Object.entries(themes)) {
  try {
    await theme();
    console.log(`${name}: passed`);
  } catch (error) {
    ++failed;
    console.error(`${name}: ${error.stack}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
