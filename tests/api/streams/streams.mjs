// DynamoDB Streams through the AWS SDK for JavaScript v3 and through consumers from npm:
//   node --test streams.mjs    with REGIONS="us-east-1=http://... eu-west-1=http://..."
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {DynamoDB} from '@aws-sdk/client-dynamodb';
import {DynamoDBStreams, ResourceNotFoundException} from '@aws-sdk/client-dynamodb-streams';
import {marshall, unmarshall} from '@aws-sdk/util-dynamodb';
import DynamoDBStream from 'dynamodb-stream';
import readableOf from 'dynamodb-streams-readable';

const credentials = {accessKeyId: 'test', secretAccessKey: 'test'};
const regions = process.env.REGIONS.split(' ').map((text) => {
  const [region, endpoint] = text.split('=');
  const options = {region, endpoint, credentials, maxAttempts: 3};
  return {region, dynamo: new DynamoDB(options), streams: new DynamoDBStreams(options)};
});
const [here, there] = regions;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function eventually(what, condition, seconds = 15) {
  const end = Date.now() + seconds * 1000;
  while (!await condition()) {
    if (Date.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
    await sleep(50);
  }
}

async function make(TableName, StreamViewType = 'NEW_AND_OLD_IMAGES') {
  await here.dynamo.createTable({
    TableName, BillingMode: 'PAY_PER_REQUEST', KeySchema: [{AttributeName: 'pk', KeyType: 'HASH'}],
    AttributeDefinitions: [{AttributeName: 'pk', AttributeType: 'S'}], StreamSpecification: {StreamEnabled: true, StreamViewType},
  });
  for (const {dynamo} of regions)
    await eventually('the table', () => dynamo.describeTable({TableName}).then(() => true, () => false));
  return (await here.dynamo.describeTable({TableName})).Table.LatestStreamArn;
}

const put = (region, TableName, item) => region.dynamo.putItem({TableName, Item: marshall(item)});

async function shardsOf(streams, StreamArn) {
  const shards = [];
  for (let ExclusiveStartShardId; ;) {
    const {StreamDescription} = await streams.describeStream({StreamArn, ExclusiveStartShardId, Limit: 2});
    shards.push(...StreamDescription.Shards);
    ExclusiveStartShardId = StreamDescription.LastEvaluatedShardId;
    if (!ExclusiveStartShardId) return shards;
  }
}

test('the SDK reads a stream to its end', async () => {
  const StreamArn = await make('sdk');
  await put(here, 'sdk', {pk: 'a', bytes: new Uint8Array([1, 2]), list: [1, 'x', null], set: new Set(['p', 'q'])});
  await put(here, 'sdk', {pk: 'a', n: 7});
  await here.dynamo.deleteItem({TableName: 'sdk', Key: marshall({pk: 'a'})});
  const {Streams} = await here.streams.listStreams({TableName: 'sdk'});
  assert.deepEqual(Streams.map((stream) => stream.StreamArn), [StreamArn]);
  const [{ShardId}] = await shardsOf(here.streams, StreamArn);
  const {ShardIterator} = await here.streams.getShardIterator({StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON'});
  const {Records, NextShardIterator} = await here.streams.getRecords({ShardIterator});
  assert.deepEqual(Records.map((record) => record.eventName), ['INSERT', 'MODIFY', 'REMOVE']);
  const [first, second, third] = Records.map((record) => record.dynamodb);
  assert.deepEqual(unmarshall(first.NewImage), {pk: 'a', bytes: new Uint8Array([1, 2]), list: [1, 'x', null], set: new Set(['p', 'q'])});
  assert.deepEqual(second.OldImage, first.NewImage);
  assert.deepEqual(unmarshall(third.Keys), {pk: 'a'});
  assert.ok(first.ApproximateCreationDateTime instanceof Date && Math.abs(first.ApproximateCreationDateTime - Date.now()) < 60000);
  assert.ok(BigInt(first.SequenceNumber) < BigInt(second.SequenceNumber));
  assert.equal(Records[0].awsRegion, here.region);
  await here.dynamo.updateTable({TableName: 'sdk', StreamSpecification: {StreamEnabled: false}});
  const end = await here.streams.getRecords({ShardIterator: NextShardIterator});
  assert.deepEqual([end.Records, end.NextShardIterator], [[], undefined]);
  await assert.rejects(here.streams.getRecords({ShardIterator: 'nonsense'}), {name: 'ValidationException'});
  await assert.rejects(here.streams.describeStream({StreamArn: StreamArn.slice(0, -1) + 'x'}), ResourceNotFoundException);
});

test('dynamodb-stream keeps a copy of a table', async () => {
  const StreamArn = await make('copied');
  await put(here, 'copied', {pk: 'old', n: 0});
  const copy = new Map();
  const stream = new DynamoDBStream(here.streams, StreamArn, unmarshall);
  stream.on('insert record', (item) => copy.set(item.pk, item));
  stream.on('modify record', (item) => copy.set(item.pk, item));
  stream.on('remove record', (item) => copy.delete(item.pk));
  await stream.fetchStreamState();  // its way: a bookmark first, then the table, then what came since
  for (const item of (await here.dynamo.scan({TableName: 'copied'})).Items) copy.set(unmarshall(item).pk, unmarshall(item));
  for (let n = 0; n < 100; ++n) {
    const region = regions[n % regions.length];
    await put(region, 'copied', {pk: 'k' + n % 7, n});
    if (n % 11 === 0) await region.dynamo.deleteItem({TableName: 'copied', Key: marshall({pk: 'k' + n % 7})});
    if (n % 10 === 0) await stream.fetchStreamState();
  }
  await eventually('the copy to be the table', async () => {
    await stream.fetchStreamState();
    const table = (await here.dynamo.scan({TableName: 'copied'})).Items.map((item) => unmarshall(item)).map((item) => [item.pk, item]);
    const both = [table, [...copy]].map((entries) => JSON.stringify(entries.sort(([a], [b]) => a < b ? -1 : 1)));
    return both[0] === both[1];
  });
});

test('dynamodb-streams-readable, a reader a shard and parents first, sees a busy table in order and once', async () => {
  const TableName = 'busy', StreamArn = await make(TableName, 'NEW_IMAGE');
  // Enough a second, and long enough, that the shard is split.
  const written = new Map(), writers = [];
  let stop = false, count = 0;
  for (let writer = 0; writer < 8; ++writer) {
    writers.push((async () => {
      for (let n = 1; !stop; ++n) {
        const puts = [];
        for (let key = 0; key < 25; ++key) puts.push({PutRequest: {Item: marshall({pk: `w${writer}-${key}`, n})}});
        await here.dynamo.batchWriteItem({RequestItems: {[TableName]: puts}});
        for (let key = 0; key < 25; ++key) written.set(`w${writer}-${key}`, n);
        count += 25;
      }
    })());
  }
  await eventually('the shard to be split', async () => (await shardsOf(here.streams, StreamArn)).length >= 3, 60);
  await sleep(500);
  stop = true;
  await Promise.all(writers);
  await here.dynamo.updateTable({TableName, StreamSpecification: {StreamEnabled: false}});  // so that readers end

  const seen = new Map(), ids = new Set();
  const readShard = (shardId) => new Promise((resolve, reject) => {
    const client = {};  // the library calls the SDK in the manner of its second version
    for (const name of ['describeStream', 'getShardIterator', 'getRecords'])
      client[name] = (parameters, done) => here.streams[name](parameters).then((data) => done(null, data), done);
    readableOf(client, StreamArn, {shardId, readInterval: 1, limit: 1000})
      .on('data', (records) => {
        for (const record of records) {
          const {pk, n} = unmarshall(record.dynamodb.NewImage);
          assert.equal(n, (seen.get(pk) ?? 0) + 1, `${pk} is out of order`);
          seen.set(pk, n);
          ids.add(record.eventID);
        }
      })
      .on('end', resolve).on('error', reject);
  });
  const shards = await shardsOf(here.streams, StreamArn);
  assert.ok(shards.every((shard) => shard.SequenceNumberRange.EndingSequenceNumber));
  const walk = async (parent) => {
    const children = shards.filter((shard) => shard.ParentShardId === parent);
    await Promise.all(children.map(async ({ShardId}) => {
      await readShard(ShardId);
      await walk(ShardId);
    }));
  };
  await walk(undefined);
  assert.equal(ids.size, count);
  assert.deepEqual(seen, written);
  console.log(`${count} records in ${shards.length} shards`);
});

test('an iterator of one region is a position in another', async () => {
  const TableName = 'carried', StreamArn = await make(TableName);
  for (let n = 0; n < 10; ++n) await put(regions[n % 2], TableName, {pk: 'k' + n});
  await eventually('all in both regions', async () => {
    const counts = await Promise.all(regions.map(({dynamo}) => dynamo.scan({TableName, Select: 'COUNT'})));
    return counts.every(({Count}) => Count === 10);
  });
  const read = async ({streams, dynamo}, start) => {
    const arn = (await dynamo.describeTable({TableName})).Table.LatestStreamArn;
    const [{ShardId}] = await shardsOf(streams, arn);
    const {ShardIterator} = await streams.getShardIterator({StreamArn: arn, ShardId, ...start});
    return streams.getRecords({ShardIterator, Limit: 4});
  };
  assert.ok(StreamArn.includes(here.region));
  const first = await read(here, {ShardIteratorType: 'TRIM_HORIZON'});
  const seen = first.Records.map((record) => unmarshall(record.dynamodb.Keys).pk);
  let {Records, NextShardIterator} = await read(there, {ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: first.NextShardIterator});
  while (Records.length > 0) {
    seen.push(...Records.map((record) => unmarshall(record.dynamodb.Keys).pk));
    ({Records, NextShardIterator} = await there.streams.getRecords({ShardIterator: NextShardIterator}));
  }
  assert.deepEqual(seen.sort(), [...Array(10).keys()].map((n) => 'k' + n));
});
