import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';

import { DynamoDB } from '@aws-sdk/client-dynamodb';
import type { ClientSettings } from '@floecat/storage-aws';
import { AwsClients, openDynamoPointers } from '@floecat/storage-aws';
import { InvalidArgumentError } from '@floecat/storage-spi';

suite('the AWS clients', () => {
  test('half a key is refused: it would turn into another identity', () => {
    for (const settings of [
      { accessKeyId: 'a' },
      { secretAccessKey: 'b' },
      { sessionToken: 'c' },
      { accessKeyId: 'a', sessionToken: 'c' },
      { accessKeyId: 'a', secretAccessKey: '' },
    ]) {
      assert.throws(() => new AwsClients(settings), InvalidArgumentError);
      assert.throws(() => new AwsClients(settings), /missing/);
    }
  });

  test('an endpoint that is no URL is refused, with the service', () => {
    for (const endpoint of ['localhost:4566', 'ftp://x', '']) {
      assert.throws(() => new AwsClients({ endpoints: { s3: endpoint } }), /endpoint .* of s3/);
    }
  });

  test('each service gets its own endpoint, and the key, region and path style of the settings', async () => {
    await using clients = new AwsClients({
      region: 'eu-west-1',
      endpoints: {
        dynamodb: 'http://one:1',
        secretsManager: 'http://two:2',
        sts: 'http://three:3',
        s3: 'http://four:4',
      },
      accessKeyId: 'a',
      secretAccessKey: 'b',
      sessionToken: 'c',
      pathStyleAccess: true,
    });
    const { dynamodb, s3, secretsManager, sts } = clients;
    for (const [client, host] of [
      [dynamodb, 'one'],
      [secretsManager, 'two'],
      [sts, 'three'],
      [s3, 'four'],
    ] as const) {
      const { hostname } = (await client.config.endpoint?.()) ?? {};
      assert.equal(hostname, host);
      assert.equal(await client.config.region(), 'eu-west-1');
      assert.equal(await client.config.maxAttempts(), 1);
      const { accessKeyId, secretAccessKey, sessionToken } = await client.config.credentials();
      assert.deepEqual([accessKeyId, secretAccessKey, sessionToken], ['a', 'b', 'c']);
    }
    assert.equal(s3.config.forcePathStyle, true);
    assert.equal(clients.dynamodb, dynamodb, 'made once');
  });

  test('the settings cannot be changed afterwards', async () => {
    await using clients = new AwsClients({ region: 'eu-west-1' });
    assert.throws(() => Object.assign(clients.settings, { region: 'us-east-1' }), TypeError);
  });

  test('a builder can be replaced, and closing ends what was made, once', async () => {
    let destroyed = 0;
    const seen: ClientSettings[] = [];
    class Watched extends DynamoDB {
      override destroy(): void {
        destroyed++;
        super.destroy();
      }
    }
    const clients = new AwsClients(
      { region: 'eu-west-1' },
      {
        dynamodb: (settings) => {
          seen.push(settings);
          return new Watched(settings);
        },
      },
    );
    await clients.close();
    assert.equal(destroyed, 0, 'nothing was made yet');
    assert.ok(clients.dynamodb instanceof Watched);
    assert.equal(seen[0]?.maxAttempts, 1);
    await clients.close();
    await clients.close();
    assert.equal(destroyed, 1);
  });

  test('one call of the wire is one request of the client: the SDK does not retry beneath it', async () => {
    let requests = 0;
    const server = createServer((_, response) => {
      requests++;
      response.writeHead(500, { 'content-type': 'application/x-amz-json-1.0' }).end('{}');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const aws = {
      region: 'us-east-1',
      endpoints: { dynamodb: `http://127.0.0.1:${port}` },
      accessKeyId: 'a',
      secretAccessKey: 'b',
    };
    const wire = { maxAttempts: 3, baseDelayMs: 1 };
    await assert.rejects(openDynamoPointers({ aws, tableName: 't', wire }), { code: 'STORAGE_UNAVAILABLE' });
    assert.equal(requests, 3);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
