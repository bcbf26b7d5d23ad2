// Mappers and tools that people use, against a running region: node --test tools.mjs, ENDPOINT in the environment.
// Each does what its own quick start does, and what it has of indexes, transactions and batches.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {createRequire} from 'node:module';
import {createServer} from 'node:net';
import {test} from 'node:test';
import {CreateTableCommand, DynamoDBClient, waitUntilTableExists} from '@aws-sdk/client-dynamodb';
import {DynamoDBDocumentClient} from '@aws-sdk/lib-dynamodb';

const endpoint = process.env.ENDPOINT;
const credentials = {accessKeyId: 'test', secretAccessKey: 'test'};
const client = new DynamoDBClient({region: 'us-east-1', endpoint, credentials, maxAttempts: 1});
const document = DynamoDBDocumentClient.from(client, {marshallOptions: {removeUndefinedValues: true}});

async function makeTable(TableName, [hash, range], gsi) {
  const names = [hash, range, ...(gsi ?? [])];
  const schema = ([h, r]) => [{AttributeName: h, KeyType: 'HASH'}, {AttributeName: r, KeyType: 'RANGE'}];
  await client.send(new CreateTableCommand({
    TableName, BillingMode: 'PAY_PER_REQUEST', KeySchema: schema([hash, range]),
    AttributeDefinitions: names.map((AttributeName) => ({AttributeName, AttributeType: 'S'})),
    ...(gsi ? {GlobalSecondaryIndexes: [{IndexName: 'gsi1', KeySchema: schema(gsi), Projection: {ProjectionType: 'ALL'}}]} : {}),
  }));
  await waitUntilTableExists({client, minDelay: 1, maxDelay: 1, maxWaitTime: 20}, {TableName});
}

test('dynamoose', async () => {
  const dynamoose = (await import('dynamoose')).default;
  dynamoose.aws.ddb.set(new dynamoose.aws.ddb.DynamoDB({region: 'us-east-1', endpoint, credentials}));
  const schema = new dynamoose.Schema({
    id: {type: String, hashKey: true},
    owner: {type: String, index: {name: 'byOwner', type: 'global'}},
    age: Number, tags: {type: Set, schema: [String]},
    address: {type: Object, schema: {street: String}},
  }, {timestamps: true});
  const Cat = dynamoose.model('Cat', schema, {waitForActive: {enabled: true, check: {timeout: 20000, frequency: 100}}});
  new dynamoose.Table('dynamoose-cats', [Cat]);
  await Cat.create({id: '1', owner: 'ann', age: 3, tags: new Set(['a', 'b']), address: {street: 'x'}});
  await new Cat({id: '2', owner: 'ann', age: 5}).save();
  await assert.rejects(Cat.create({id: '1', owner: 'x'}), {name: 'ConditionalCheckFailedException'});
  assert.equal((await Cat.get('1')).address.street, 'x');
  assert.equal((await Cat.update({id: '1'}, {$ADD: {age: 2}})).age, 5);
  assert.deepEqual((await Cat.query('owner').eq('ann').using('byOwner').exec()).map((c) => c.id).sort(), ['1', '2']);
  assert.equal((await Cat.scan('age').ge(5).exec()).count, 2);
  await Cat.batchPut([{id: '3', owner: 'bob', age: 1}, {id: '4', owner: 'bob', age: 2}]);
  assert.equal((await Cat.batchGet(['3', '4', '5'])).length, 2);
  await dynamoose.transaction([Cat.transaction.create({id: '6', owner: 'eve'}), Cat.transaction.delete('4')]);
  assert.equal(await Cat.get('4'), undefined);
  assert.equal((await Cat.get('6')).owner, 'eve');
  await Cat.delete('1');
  assert.equal(await Cat.get('1'), undefined);
});

test('electrodb', async () => {
  const {Entity, Service} = await import('electrodb');
  await makeTable('electro', ['pk', 'sk'], ['gsi1pk', 'gsi1sk']);
  const Task = new Entity({
    model: {entity: 'task', version: '1', service: 'app'},
    attributes: {
      id: {type: 'string', required: true}, project: {type: 'string', required: true}, team: {type: 'string', required: true},
      points: {type: 'number', default: 1}, labels: {type: 'set', items: 'string'}, notes: {type: 'list', items: {type: 'string'}},
    },
    indexes: {
      main: {pk: {field: 'pk', composite: ['project']}, sk: {field: 'sk', composite: ['id']}},
      teams: {index: 'gsi1', pk: {field: 'gsi1pk', composite: ['team']}, sk: {field: 'gsi1sk', composite: ['project', 'id']}},
    },
  }, {client: document, table: 'electro'});
  await Task.create({id: '1', project: 'p', team: 'red', labels: ['x']}).go();
  await assert.rejects(Task.create({id: '1', project: 'p', team: 'red'}).go());
  await Task.put([{id: '2', project: 'p', team: 'blue', points: 5}, {id: '3', project: 'q', team: 'red'}]).go();
  const {data} = await Task.patch({id: '1', project: 'p'}).add({points: 4}).append({notes: ['n']}).go({response: 'all_new'})
      .catch(() => Task.patch({id: '1', project: 'p'}).add({points: 4}).set({notes: ['n']}).go({response: 'all_new'}));
  assert.equal(data.points, 5);
  assert.deepEqual((await Task.query.main({project: 'p'}).go()).data.map((t) => t.id), ['1', '2']);
  assert.deepEqual((await Task.query.teams({team: 'red'}).begins({project: 'p'}).go()).data.map((t) => t.id), ['1']);
  assert.equal((await Task.scan.where(({points}, {gt}) => gt(points, 4)).go()).data.length, 2);
  const service = new Service({Task}, {client: document, table: 'electro'});
  const {canceled} = await service.transaction.write(({Task: t}) => [
    t.create({id: '4', project: 'q', team: 'red'}).commit(),
    t.check({id: '1', project: 'p'}).where(({points}, {eq}) => eq(points, 99)).commit(),
  ]).go();
  assert.equal(canceled, true);
  assert.equal((await Task.get({id: '4', project: 'q'}).go()).data, null);
  await Task.delete([{id: '1', project: 'p'}, {id: '2', project: 'p'}]).go();
  assert.equal((await Task.query.main({project: 'p'}).go()).data.length, 0);
});

test('dynamodb-onetable', async () => {
  const {Table} = await import('dynamodb-onetable');
  const table = new Table({
    client: document, name: 'onetable', partial: true,
    schema: {
      format: 'onetable:1.1.0', version: '0.0.1',
      indexes: {primary: {hash: 'pk', sort: 'sk'}, gs1: {hash: 'gs1pk', sort: 'gs1sk', project: 'all'}},
      models: {User: {
        pk: {type: String, value: 'user#${id}'}, sk: {type: String, value: 'user#'}, gs1pk: {type: String, value: 'user#'},
        gs1sk: {type: String, value: 'user#${name}'}, id: {type: String, generate: 'ulid'}, name: {type: String, required: true},
        email: {type: String, unique: true}, visits: {type: Number, default: 0},
      }},
      params: {isoDates: true, timestamps: true},
    },
  });
  if (!await table.exists()) await table.createTable();
  await waitUntilTableExists({client, minDelay: 1, maxDelay: 1, maxWaitTime: 20}, {TableName: 'onetable'});
  const User = table.getModel('User');
  const ann = await User.create({name: 'Ann', email: 'ann@x'});
  await assert.rejects(User.create({name: 'Other', email: 'ann@x'}));  // unique by a transaction
  await User.create({name: 'Bob', email: 'bob@x'});
  assert.equal((await User.update({id: ann.id}, {add: {visits: 3}})).visits, 3);
  assert.equal((await User.get({id: ann.id})).name, 'Ann');
  assert.deepEqual((await User.find({gs1pk: 'user#', gs1sk: {begins: 'user#A'}}, {index: 'gs1'})).map((u) => u.name), ['Ann']);
  const transaction = {};
  await User.update({id: ann.id, name: 'Ann', visits: 7}, {transaction});
  await User.create({name: 'Eve', email: 'eve@x'}, {transaction});
  await table.transact('write', transaction);
  assert.equal((await User.scan({})).length, 3);
  await User.remove({id: ann.id});
  assert.equal(await User.get({id: ann.id}), undefined);
});

test('dynamodb-toolbox', async () => {
  const toolbox = await import('dynamodb-toolbox');
  const {Entity, GetItemCommand, PutItemCommand, QueryCommand, ScanCommand, Table, UpdateItemCommand, DeleteItemCommand, item, number,
         string, set, $add} = toolbox;
  await makeTable('toolbox', ['pk', 'sk'], ['gsi1pk', 'gsi1sk']);
  const table = new Table({
    documentClient: document, name: 'toolbox', partitionKey: {name: 'pk', type: 'string'}, sortKey: {name: 'sk', type: 'string'},
    indexes: {gsi1: {type: 'global', partitionKey: {name: 'gsi1pk', type: 'string'}, sortKey: {name: 'gsi1sk', type: 'string'}}},
  });
  const Pokemon = new Entity({
    name: 'Pokemon', table,
    schema: item({pk: string().key(), sk: string().key(), gsi1pk: string().optional(), gsi1sk: string().optional(),
                  level: number().default(1), moves: set(string()).optional()}),
  });
  await Pokemon.build(PutItemCommand).item({pk: 'a', sk: '1', gsi1pk: 'fire', gsi1sk: 'x', moves: new Set(['m'])}).send();
  await Pokemon.build(PutItemCommand).item({pk: 'a', sk: '2', level: 9}).send();
  await assert.rejects(Pokemon.build(PutItemCommand).item({pk: 'a', sk: '1'}).options({condition: {attr: 'pk', exists: false}}).send(),
                       {name: 'ConditionalCheckFailedException'});
  await Pokemon.build(UpdateItemCommand).item({pk: 'a', sk: '1', level: $add(4)}).send();
  assert.equal((await Pokemon.build(GetItemCommand).key({pk: 'a', sk: '1'}).send()).Item.level, 5);
  assert.equal((await table.build(QueryCommand).query({partition: 'a', range: {gte: '2'}}).entities(Pokemon).send()).Items.length, 1);
  assert.equal((await table.build(QueryCommand).query({index: 'gsi1', partition: 'fire'}).entities(Pokemon).send()).Items[0].sk, '1');
  assert.equal((await table.build(ScanCommand).entities(Pokemon).options({segment: 0, totalSegments: 1}).send()).Items.length, 2);
  await Pokemon.build(DeleteItemCommand).key({pk: 'a', sk: '2'}).send();
});

test('dynamodb-admin', async () => {
  const port = await new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const {port: free} = probe.address();
      probe.close(() => resolve(free));
    });
  });
  const path = createRequire(import.meta.url).resolve('dynamodb-admin/package.json');
  const {bin} = createRequire(import.meta.url)(path);
  const admin = spawn(process.execPath,
                      [path.replace('package.json', typeof bin === 'string' ? bin : bin['dynamodb-admin']), '--port', port, '--host',
                       '127.0.0.1', '--dynamo-endpoint', endpoint],
                      {env: {...process.env, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test'},
                       stdio: 'ignore'});
  try {
    const page = async (url, options) => {
      for (let i = 0; ; ++i) {
        try {
          return await fetch(`http://127.0.0.1:${port}${url}`, options);
        } catch (error) {
          if (i > 100) throw error;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    };
    await makeTable('admin-table', ['pk', 'sk']);
    const put = await page('/tables/admin-table/add-item', {
      method: 'PUT', headers: {'content-type': 'application/json'}, body: JSON.stringify({pk: 'a', sk: 'b', n: 1})});
    assert.ok(put.status < 400, `add-item: ${put.status}`);
    assert.match(await (await page('/')).text(), /admin-table/);
    const table = await page('/tables/admin-table');
    assert.equal(table.status, 200);
    assert.match(await table.text(), /pk/);
    const items = await page('/tables/admin-table/items');
    assert.equal(items.status, 200);
    assert.match(await items.text(), /"sk":"b"|"b"/);
    assert.equal((await page('/tables/admin-table/meta')).status, 200);
    assert.equal((await page('/tables/admin-table/ttl')).status, 200);
  } finally {
    admin.kill();
  }
});
