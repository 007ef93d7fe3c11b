import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import { startOwnEngine, whoAnswers } from '../../localstack/engine.ts';
import { lockFile } from '../../localstack/lock-file.ts';
import { engine, folder } from './localstack-command.ts';

const options = 'skip' in engine ? engine : {};
const LOCALSTACK = join(import.meta.dirname, '..', '..', 'localstack');

void test('a server of a test ends when it is disposed of', options, async () => {
  let endpoint: string;
  {
    await using server = await startOwnEngine();
    ({ endpoint } = server);
    assert.match(String(await whoAnswers(endpoint)), /an AWS emulator/);
  }
  assert.equal(await whoAnswers(endpoint), undefined);
});

void test(
  'a server of a test ends with the process that started it, however that ends',
  options,
  async () => {
    const script = `const { startOwnEngine } = await import(${JSON.stringify(join(LOCALSTACK, 'engine.ts'))});
    console.log((await startOwnEngine()).endpoint);
    setInterval(() => {}, 60_000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [endpoint] = (await once(createInterface(parent.stdout), 'line')) as [string];
    const { port } = new URL(endpoint);
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    const ended = once(socket, 'close');
    socket.on('error', () => {});
    socket.resume();
    parent.kill('SIGKILL');
    await ended;
  },
);

void test('a lock is held by one at a time', async () => {
  const path = join(folder, 'one.lock');
  const order: string[] = [];
  const first = await lockFile(path);
  let held = 0;
  const others = ['a', 'b', 'c'].map(async (name) => {
    await using lock = await lockFile(path);
    assert.ok(lock);
    assert.equal(++held, 1);
    order.push(name);
    await readFile(path);
    held--;
  });
  order.push('first');
  await first[Symbol.asyncDispose]();
  await Promise.all(others);
  assert.deepEqual(order.toSorted(), ['a', 'b', 'c', 'first']);
  assert.equal(order[0], 'first');
  await assert.rejects(readFile(path), { code: 'ENOENT' });
});

void test('a lock that a process left behind when it ended is taken', async () => {
  const path = join(folder, 'left.lock');
  const gone = spawn(process.execPath, ['-e', '']);
  await once(gone, 'exit');
  for (const holder of [`${gone.pid} 12345`, `${process.pid} another start`, '']) {
    await writeFile(path, holder);
    await using lock = await lockFile(path);
    assert.ok(lock);
  }
});
