import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { createBackup, listBackups, listBackupsAt, verifyBackup } from '@floecat/recovery';
import type { CreatedBackup } from '@floecat/recovery';

import type { When } from './support/crash.ts';
import { Crash, CrashPoint } from './support/crash.ts';
import { MemoryTarget } from './support/memory-target.ts';
import type { Store } from './support/store.ts';
import {
  allPointers,
  contentOf,
  importAll,
  manyPointers,
  openStore,
  removePointer,
  setPointer,
  value,
} from './support/store.ts';

const ROWS = 60;
const SMALL = { segmentLines: 7, pageSize: 10 };

/** A store with a complete backup, and changes since then. */
async function prepare(): Promise<{ store: Store; target: MemoryTarget; base: CreatedBackup }> {
  const store = openStore();
  const { storage, context, clock } = store;
  await importAll(storage, manyPointers(ROWS, context.random, clock.now()));
  const target = new MemoryTarget();
  const base = await createBackup(context, target, SMALL);
  const keys = (await allPointers(storage)).map(({ key }) => key);
  for (const [i, key] of keys.entries())
    if (i % 3 === 0) await setPointer(storage, key, value('changed'));
    else if (i % 5 === 0) await removePointer(storage, key);
  return { store, target, base };
}

void suite('a process that dies while it writes a backup', () => {
  for (const incremental of [false, true])
    for (const when of ['before', 'after'] as const)
      test(`${when} any call, of ${incremental ? 'an incremental' : 'a full'} backup: it is finished as if nothing had been`, async (t) => {
        const undisturbed = await run(Infinity, when, incremental);
        assert.ok(undisturbed.calls > 12);
        let again = 0;
        for (let at = 1; at <= undisturbed.calls; at++) {
          const { id, files } = await run(at, when, incremental);
          // One that died before it had a row was begun anew, under another id.
          if (id === undisturbed.id) assert.deepEqual(files, undisturbed.files, `died ${when} call ${at}`);
          else again++;
        }
        assert.ok(again <= 2);
        t.diagnostic(`${undisturbed.calls} calls`);
      });

  test('one that dies again and again comes to an end', async () => {
    const { store, target } = await prepare();
    await using _ = store;
    let id: string | undefined;
    for (let lives = 0; ; lives++) {
      const crash = new CrashPoint(3, lives % 2 === 0 ? 'before' : 'after');
      try {
        const { id: done } = await createBackup(crash.context(store.context), crash.target(target), {
          ...SMALL,
          ...(id !== undefined && { resume: id }),
        });
        assert.deepEqual(await contentOf(target, done), await allPointers(store.storage));
        break;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        id ??= (await listBackups(store.context)).find(({ state }) => state === 'writing')?.id;
        assert.ok(lives < 60, 'it gets further with each life');
      }
    }
  });

  test('of two processes that go on with the same one, one gives way, and the backup is whole', async () => {
    const { store, target } = await prepare();
    await using _ = store;
    const crash = new CrashPoint(5);
    await assert.rejects(createBackup(crash.context(store.context), crash.target(target), SMALL), Crash);
    const id = (await listBackups(store.context)).find(({ state }) => state === 'writing')?.id ?? '';
    const both = await Promise.allSettled([
      createBackup(store.context, target, { ...SMALL, resume: id }),
      createBackup(store.context, target, { ...SMALL, segmentLines: 5, resume: id }),
    ]);
    const failed = both.flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []));
    assert.ok(failed.length <= 1);
    for (const each of failed) assert.match(each.message, /taken over/);
    await verifyBackup(target, id);
    assert.deepEqual(await contentOf(target, id), await allPointers(store.storage));
  });

  test('a segment that a process stored and did not come to name is removed in the end', async () => {
    const { store, target } = await prepare();
    await using _ = store;
    // The clock, the row, the first segment.
    const crash = new CrashPoint(3, 'after');
    await assert.rejects(createBackup(crash.context(store.context), crash.target(target), SMALL), Crash);
    const id = (await listBackups(store.context)).find(({ state }) => state === 'writing')?.id ?? '';
    const stray = [...target.files.keys()].find((name) => name.startsWith(id));
    assert.ok(stray);
    const { segments } = await createBackup(store.context, target, { ...SMALL, segmentLines: 5, resume: id });
    assert.ok(!target.files.has(stray));
    assert.equal([...target.files.keys()].filter((name) => name.startsWith(id)).length, segments + 1);
  });
});

/** Runs a backup that dies in its `at`-th call, and finishes it. Answers the calls, and the files. */
async function run(
  at: number,
  when: When,
  incremental: boolean,
): Promise<{ readonly calls: number; readonly id: string; readonly files: ReadonlyMap<string, Uint8Array> }> {
  const { store, target, base } = await prepare();
  await using _ = store;
  const { context, storage } = store;
  const fresh = { ...SMALL, ...(incremental && { since: base.id }) };
  const crash = new CrashPoint(at, when);
  let id = '';
  try {
    ({ id } = await createBackup(crash.context(context), crash.target(target), fresh));
    assert.equal(at, Infinity);
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
    const complete = await listBackupsAt(target);
    const row = (await listBackups(context)).find((each) => each.id !== base.id);
    // What has no row has no file either.
    if (!row) assert.ok([...target.files.keys()].every((name) => name.startsWith(base.id)));
    else assert.ok(row.state === 'writing' || complete.some((each) => each.id === row.id));
    ({ id } = await createBackup(context, target, row ? { ...SMALL, resume: row.id } : fresh));
  }
  assert.deepEqual(await contentOf(target, id), await allPointers(storage));
  await verifyBackup(target, id);
  const rows = await listBackups(context);
  assert.deepEqual(
    rows.map(({ state }) => state),
    ['complete', 'complete'],
  );
  const files = new Map([...target.files].filter(([name]) => name.startsWith(id)));
  return { calls: crash.calls, id, files };
}
