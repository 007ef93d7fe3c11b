import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';

import { startOwnEngine } from '../../localstack/engine.ts';
import { engine, fakeDocker, folder, localstack } from './localstack-command.ts';

void test('a foreign server on the port is named and left alone, with Docker and without', async () => {
  const server = createServer((_request, answer) => answer.end('mine'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const asked = join(folder, 'asked');
  const docker = await fakeDocker(`touch ${asked}; exit 0`);
  for (const env of [{}, { PATH: `${docker}:${process.env['PATH']}` }]) {
    for (const command of ['up', 'restart']) {
      const { code, said } = await localstack(port, command, env);
      assert.equal(code, 1, said);
      assert.match(
        said,
        new RegExp(`127.0.0.1:${port} answers a server that is no AWS emulator .* left alone`, 's'),
      );
    }
    const down = await localstack(port, 'down', env);
    assert.deepEqual([down.code, /left alone/.test(down.said)], [0, true], down.said);
    assert.equal((await localstack(port, 'status', env)).code, 1);
  }
  assert.equal(existsSync(asked), false, 'Docker was asked for something');
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'mine');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

void test(
  "an emulator that is somebody else's is named and left alone too",
  'skip' in engine ? engine : {},
  async () => {
    await using theirs = await startOwnEngine();
    const { port } = new URL(theirs.endpoint);
    for (const command of ['up', 'restart', 'down']) {
      const { said } = await localstack(Number(port), command);
      assert.match(said, /answers an AWS emulator, version .* left alone/s);
    }
    assert.equal((await fetch(`${theirs.endpoint}/_localstack/health`)).status, 200);
  },
);

void test('an endpoint that is not on this machine is refused before anything starts', async () => {
  for (const LOCALSTACK_ENDPOINT of ['https://s3.amazonaws.com', 'http://10.0.0.1:4566', 'nonsense']) {
    const { code, said } = await localstack(1, 'up', { LOCALSTACK_ENDPOINT });
    assert.equal(code, 1);
    assert.match(said, /LOCALSTACK_ENDPOINT/);
  }
});
