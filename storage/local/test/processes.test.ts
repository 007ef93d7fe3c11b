import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { openLocalStorage } from '@floecat/storage-local';
import type { Pointer, PointerStore } from '@floecat/storage-spi';

import { childCommand, endOf, runChild, startChild } from './run-child.ts';
import { scratchFolder } from './scratch.ts';

function valueOf(pointer: Pointer | undefined): string | undefined {
  return pointer?.kind === 'value' ? pointer.value : undefined;
}

async function countUp(pointers: PointerStore, key: string, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const current = await pointers.get(key);
    const value = String(Number(valueOf(current) ?? 0) + 1);
    if ((await pointers.compareAndSet(key, current ?? 0, { kind: 'value', value })).applied) done++;
  }
}

test('three processes and two opens of one of them count one pointer up together: none is lost', async (t) => {
  const dataDir = await scratchFolder(t);
  await using first = await openLocalStorage({ dataDir });
  await using second = await openLocalStorage({ dataDir });
  const children = ['60', '60'].map((times) => runChild('increment', [dataDir, '/n', times]));
  await Promise.all([countUp(first.pointers, '/n', 60), countUp(second.pointers, '/n', 60)]);
  for (const { code, stderr } of await Promise.all(children)) assert.equal(code, 0, stderr);
  const pointer = await first.pointers.get('/n');
  assert.equal(valueOf(pointer), '240');
  assert.equal(pointer?.version, 240);
  assert.equal(valueOf(await second.pointers.get('/n')), '240');
});

test('a process that is killed in the middle of its writes leaves the others to go on, and nothing torn', async (t) => {
  const dataDir = await scratchFolder(t);
  await using storage = await openLocalStorage({ dataDir });
  let acknowledged = 0;
  for (const round of [1, 2, 3]) {
    const before = Number(valueOf(await storage.pointers.get('/n')) ?? 0);
    const child = startChild('increment', [dataDir, '/n', '0']);
    child.stdout?.once('data', () => setTimeout(() => child.kill('SIGKILL'), 40 * round));
    const [{ signal, stdout }] = await Promise.all([endOf(child), countUp(storage.pointers, '/n', 30)]);
    assert.equal(signal, 'SIGKILL');
    acknowledged = before + 30 + stdout.length;
    const after = Number(valueOf(await storage.pointers.get('/n')));
    assert.ok(
      after === acknowledged || after === acknowledged + 1,
      `${after} after ${acknowledged} acknowledged`,
    );
    assert.equal((await storage.pointers.get('/n'))?.version, after);
  }
  await countUp(storage.pointers, '/n', 5);
});

test('a read sees what another process wrote, even where the event loop had no turn in between', async (t) => {
  const dataDir = await scratchFolder(t);
  await using storage = await openLocalStorage({ dataDir });
  await using other = await openLocalStorage({ dataDir });
  const { pointers } = storage;
  await pointers.compareAndSet('/k', 0, { kind: 'value', value: 'old' });
  await pointers.get('/k');
  const [command = '', ...args] = childCommand('set-value', [dataDir, '/k', 'new']);
  assert.equal(spawnSync(command, args).status, 0);
  assert.equal(valueOf(await pointers.get('/k')), 'new');
  assert.equal(valueOf((await pointers.getBatch(['/k']))[0]), 'new');
  assert.equal(valueOf((await pointers.listPointersByPrefix('/k')).pointers[0]), 'new');
  await Promise.all(
    [1, 2, 3].map(async (i) => {
      await pointers.get('/k');
      await other.pointers.compareAndSet(`/other/${i}`, 0, { kind: 'value', value: 'x' });
      assert.equal((await pointers.get(`/other/${i}`))?.version, 1);
    }),
  );
});

test('opening and closing a store never waits for who is writing to it in the same process', async (t) => {
  const dataDir = await scratchFolder(t);
  await using storage = await openLocalStorage({ dataDir });
  const writing = new AbortController();
  const writers = [1, 2].map(async (i) => {
    let writes = 0;
    for (; !writing.signal.aborted; writes++) await countUp(storage.pointers, `/n/${i}`, 1);
    return writes;
  });
  for (let round = 0; round < 5; round++) {
    const other = await openLocalStorage({ dataDir });
    await countUp(other.pointers, '/other', 1);
    await other.close();
    await assert.rejects(other.pointers.get('/other'), { code: 'STORAGE_CLOSED' });
  }
  writing.abort();
  for (const writes of await Promise.all(writers)) assert.ok(writes > 0);
  assert.equal(valueOf(await storage.pointers.get('/other')), '5');
});

test('the snapshot of a reader that was killed is let go at the next start, and the file stops growing', async (t) => {
  const dataDir = await scratchFolder(t);
  const file = join(dataDir, 'pointers', 'data.mdb');
  const rewrite = async (): Promise<number> => {
    await using storage = await openLocalStorage({ dataDir, flush: false });
    const before = (await stat(file)).size;
    for (let i = 0; i < 40; i++) {
      const current = await storage.pointers.get('/big');
      await storage.pointers.compareAndSet('/big', current ?? 0, {
        kind: 'value',
        value: String(i).padEnd(100_000),
      });
    }
    return (await stat(file)).size - before;
  };
  await rewrite();
  const reader = startChild('hold-snapshot', [join(dataDir, 'pointers')]);
  await once(reader.stdout ?? reader, 'data');
  const held = await rewrite();
  assert.ok(held > 3_000_000, `a reader holds its pages, so the file grew by ${held}`);
  reader.kill('SIGKILL');
  await once(reader, 'close');
  const grown = await rewrite();
  assert.ok(grown < 1_000_000, `the file grew by ${grown}`);
});

test('a process that forgets to close ends by itself, with its last write acknowledged', async (t) => {
  const dataDir = await scratchFolder(t);
  const { code, stdout, stderr } = await runChild('forget-to-close', [dataDir]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, 'applied');
  await using storage = await openLocalStorage({ dataDir });
  assert.equal(valueOf(await storage.pointers.get('/k')), 'v');
});
