// The JavaScript SDK v3 against a running cluster: node round_trip.mjs ENDPOINT REGION=ENDPOINT...
// The first ENDPOINT is the gateway's, which serves every region by the signature; the others are each region's own.
import assert from 'node:assert/strict';
import {
  ConditionalCheckFailedException, CreateTableCommand, DeleteTableCommand, DescribeTableCommand, DynamoDBClient,
  ListTablesCommand, ResourceNotFoundException, waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand, BatchWriteCommand, DeleteCommand, DynamoDBDocumentClient, GetCommand, paginateQuery, PutCommand,
  ScanCommand, UpdateCommand,
} from '@aws-sdk/lib-dynamodb';

const [gateway, ...rest] = process.argv.slice(2);
const regions = rest.map((text) => text.split('='));
const credentials = {accessKeyId: 'test', secretAccessKey: 'test'};
const open = (region, endpoint) => {
  const plain = new DynamoDBClient({region, endpoint, credentials, maxAttempts: 1});
  return {region, plain, document: DynamoDBDocumentClient.from(plain, {marshallOptions: {removeUndefinedValues: true}})};
};

async function eventually(what, condition) {
  const end = Date.now() + 10000;
  while (!await condition()) {
    if (Date.now() > end) throw new Error('waited 10 s for ' + what);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function exists(client, TableName) {
  try {
    return (await client.plain.send(new DescribeTableCommand({TableName}))).Table.TableStatus === 'ACTIVE';
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return false;
    throw error;
  }
}

async function roundTrip(clients, TableName) {
  const [a, b, c] = clients;
  await a.plain.send(new CreateTableCommand({
    TableName, BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{AttributeName: 'pk', KeyType: 'HASH'}, {AttributeName: 'sk', KeyType: 'RANGE'}],
    AttributeDefinitions: [{AttributeName: 'pk', AttributeType: 'S'}, {AttributeName: 'sk', AttributeType: 'N'}],
  }));
  await waitUntilTableExists({client: a.plain, minDelay: 1, maxDelay: 1, maxWaitTime: 10}, {TableName});
  for (const client of clients) await eventually(TableName + ' in ' + client.region, () => exists(client, TableName));

  const item = {
    pk: 'a', sk: 1, text: 'h\u00e9llo \u{1F30D}', list: [1, 'two', null, false], map: {deep: {er: 1.5}},
    set: new Set(['x', 'y']), bytes: new Uint8Array([0, 255]),
  };
  await a.document.send(new PutCommand({TableName, Item: item}));
  const Key = {pk: 'a', sk: 1};
  const read = async (client) => (await client.document.send(new GetCommand({TableName, Key}))).Item;
  for (const client of clients) await eventually('the item in ' + client.region, () => read(client));
  assert.deepEqual(await read(c), item);

  const updated = await b.document.send(new UpdateCommand({
    TableName, Key, UpdateExpression: 'SET #t = :t, hits = if_not_exists(hits, :zero) + :one REMOVE bytes',
    ConditionExpression: 'attribute_exists(pk)', ExpressionAttributeNames: {'#t': 'text'},
    ExpressionAttributeValues: {':t': 'changed', ':zero': 0, ':one': 1}, ReturnValues: 'ALL_NEW',
  }));
  assert.equal(updated.Attributes.hits, 1);
  await eventually('the change', async () => (await read(a)).text === 'changed');
  assert.equal((await read(a)).bytes, undefined);
  await assert.rejects(
    c.document.send(new PutCommand({TableName, Item: Key, ConditionExpression: 'attribute_not_exists(pk)'})),
    ConditionalCheckFailedException);

  await a.document.send(new BatchWriteCommand({RequestItems: {
    [TableName]: Array.from({length: 25}, (_, i) => ({PutRequest: {Item: {pk: 'batch', sk: i, pad: 'x'.repeat(1000)}}})),
  }}));
  await eventually('25 items', async () => (await c.document.send(new ScanCommand({TableName, Select: 'COUNT'}))).Count === 26);
  const numbers = [];
  for await (const page of paginateQuery({client: c.document, pageSize: 10}, {
    TableName, KeyConditionExpression: 'pk = :p AND sk >= :s', ExpressionAttributeValues: {':p': 'batch', ':s': 3},
  })) numbers.push(...page.Items.map((found) => found.sk));
  assert.deepEqual(numbers, Array.from({length: 22}, (_, i) => i + 3));
  const got = await b.document.send(new BatchGetCommand({RequestItems: {[TableName]: {Keys: [{pk: 'batch', sk: 7}, {pk: 'none', sk: 0}]}}}));
  assert.deepEqual(got.Responses[TableName].map((found) => found.sk), [7]);

  await c.document.send(new DeleteCommand({TableName, Key}));
  await eventually('the delete', async () => await read(a) === undefined);
  await a.plain.send(new DeleteTableCommand({TableName}));
  for (const client of clients) {
    await eventually('the end of the table in ' + client.region,
      async () => !(await client.plain.send(new ListTablesCommand({}))).TableNames.includes(TableName));
  }
}

await roundTrip(regions.map(([name]) => open(name, gateway)), 'js-gateway');
console.log('through the gateway: passed');
await roundTrip(regions.map(([name, endpoint]) => open(name, endpoint)), 'js-direct');
console.log('directly: passed');
await assert.rejects(open('us-east-1', gateway).plain.send(new DescribeTableCommand({TableName: 'nowhere'})), ResourceNotFoundException);
