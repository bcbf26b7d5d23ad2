// A roaming session over the example of docs/sessions.md: node sessions.mjs REGION=ENDPOINT...
import assert from 'node:assert/strict';
import {DynamoDBClient, GetItemCommand, PutItemCommand} from '@aws-sdk/client-dynamodb';
import {EverwriteSession} from './everwrite-session.mjs';

const open = ([region, endpoint]) =>
  new DynamoDBClient({region, endpoint, credentials: {accessKeyId: 'test', secretAccessKey: 'test'}, maxAttempts: 1});
const regions = process.argv.slice(2).map((text) => text.split('='));
const read = async (client, key) =>
  (await client.send(new GetItemCommand({TableName: 'notes', Key: {pk: {S: key}}}))).Item?.v.N;
const write = (client, key, value) =>
  client.send(new PutItemCommand({TableName: 'notes', Item: {pk: {S: key}, v: {N: String(value)}}}));

const session = new EverwriteSession();
const roaming = regions.map((region) => session.attach(open(region)));
for (let i = 0; i < 12; ++i) {
  await write(roaming[i % 3], 'js', i);
  assert.equal(await read(roaming[(i + 1) % 3], 'js'), String(i));
}
assert.equal(session.tokens.length, 1);

// Requests at once: what each of them saw is in what the next one waits for.
await Promise.all(roaming.map((client, i) => write(client, 'many' + i, i)));
for (let i = 0; i < 3; ++i) assert.equal(await read(roaming[(i + 1) % 3], 'many' + i), String(i));

// The same without a session is stale at least once.
const bare = regions.map(open);
let stale = 0;
for (let i = 0; i < 5; ++i) {
  await write(bare[0], 'bare', i);
  stale += await read(bare[1], 'bare') !== String(i);
}
assert.ok(stale > 0);
