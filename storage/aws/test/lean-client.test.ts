import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, suite, test } from 'node:test';

import { DynamoDB } from '@aws-sdk/client-dynamodb';
import type { AwsSettings } from '@floecat/storage-aws';
import { answeredAt, AwsClients } from '@floecat/storage-aws';

const Key = { shard: { S: '0000' }, key: { S: '/a' } };

/** What the server answers with, and what it was asked. */
const next = { status: 200, date: '' };
let asked = 0;
let server: Server;

function settings(): AwsSettings {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { region: 'us-east-1', endpoints: { dynamodb: endpoint }, accessKeyId: 'a', secretAccessKey: 'b' };
}

suite('what is left out of the SDK clients, and what is put in', () => {
  before(async () => {
    server = createServer((request, response) => {
      asked++;
      request.resume();
      response.sendDate = false;
      if (next.date !== '') response.setHeader('date', next.date);
      response.writeHead(next.status, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(next.status === 200 ? '{}' : '{"__type":"InternalServerError","message":"planted"}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  beforeEach(() => {
    Object.assign(next, { status: 200, date: '' });
    asked = 0;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  test('a request is attempted once, even by a client whose builder asks for more', async () => {
    next.status = 500;
    await using clients = new AwsClients(settings(), {
      dynamodb: (given) => new DynamoDB({ ...given, maxAttempts: 5 }),
    });
    await assert.rejects(clients.dynamodb.getItem({ TableName: 't', Key }), { name: 'InternalServerError' });
    assert.equal(asked, 1);
  });

  test('a logger that a builder gives is told of requests', async () => {
    const told: unknown[] = [];
    const logger = { debug: ignore, info: (entry: unknown) => told.push(entry), warn: ignore, error: ignore };
    await using clients = new AwsClients(settings(), {
      dynamodb: (given) => new DynamoDB({ ...given, logger }),
    });
    await clients.dynamodb.getItem({ TableName: 't', Key });
    assert.equal(told.length, 1);
  });

  test('without a logger no request is copied for one', async () => {
    await using clients = new AwsClients(settings());
    for (const client of [clients.dynamodb, clients.s3]) {
      const parts = client.middlewareStack.identify().join('\n');
      assert.doesNotMatch(parts, /loggerMiddleware/);
      assert.match(parts, /retryMiddleware[^]*httpSigningMiddleware/, 'the places of the others are kept');
    }
  });

  test('each answer tells its own date, also where it is that of the answer before', async () => {
    await using clients = new AwsClients(settings());
    const dates = ['Tue, 14 Nov 2023 22:13:20 GMT', 'Tue, 14 Nov 2023 22:13:20 GMT', '', 'yesterday', ''];
    const seen: (number | undefined)[] = [];
    for (next.date of [...dates, 'Tue, 14 Nov 2023 22:13:21 GMT'])
      seen.push(answeredAt(await clients.dynamodb.getItem({ TableName: 't', Key })));
    const first = 1_700_000_000_000;
    assert.deepEqual(seen, [first, first, undefined, undefined, undefined, first + 1_000]);
  });
});

function ignore(): void {}
