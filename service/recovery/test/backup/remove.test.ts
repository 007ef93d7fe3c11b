import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import {
  createBackup,
  findBackup,
  listBackups,
  listBackupsAt,
  openBackup,
  registerBackup,
  removeBackup,
} from '@floecat/recovery';
import type { RecoveryContext } from '@floecat/recovery';

import { intercept } from '../../../gc/test/support/intercept.ts';
import { Crash, CrashPoint } from './support/crash.ts';
import { MemoryTarget } from './support/memory-target.ts';
import type { Store } from './support/store.ts';
import { importAll, manyPointers, openStore } from './support/store.ts';

async function open(): Promise<{ store: Store; target: MemoryTarget }> {
  const store = openStore();
  await importAll(store.storage, manyPointers(20, store.context.random, store.clock.now()));
  return { store, target: new MemoryTarget() };
}

function remove(context: RecoveryContext, target: MemoryTarget, id: string, more = {}): Promise<string[]> {
  return removeBackup(context, id, { openTarget: async () => target, ...more });
}

void suite('removing a backup', () => {
  for (const when of ['before', 'after'] as const)
    test(`a process that dies ${when} any call: it never looks whole without its row, and is removed by doing it again`, async () => {
      for (let at = 1; ; at++) {
        const { store, target } = await open();
        await using _ = store;
        const { context } = store;
        const { id } = await createBackup(context, target, { segmentLines: 6 });
        const crash = new CrashPoint(at, when);
        try {
          await removeBackup(crash.context(context), id, { openTarget: async () => crash.target(target) });
          assert.equal(at, crash.calls + 1);
          break;
        } catch (error) {
          if (!(error instanceof Crash)) throw error;
        }
        const [row] = await listBackups(context);
        const whole = await listBackupsAt(target);
        if (row?.state === 'complete') assert.equal(target.files.size, 5);
        else if (row) assert.equal(row.state, 'removing');
        else assert.equal(target.files.size, 0);
        if (whole.length > 0) assert.ok(row);
        if (row) {
          if (row.state === 'removing') {
            await assert.rejects(createBackup(context, target, { resume: id }), /is being removed/);
            await assert.rejects(createBackup(context, target, { since: id }), /is not complete/);
          }
          assert.deepEqual(await remove(context, target, id), [id]);
        }
        assert.deepEqual([await listBackups(context), target.files.size], [[], 0]);
      }
    });

  test('while it is written: its process fails, and nothing of it is registered', async () => {
    const { store, target } = await open();
    await using _ = store;
    const { storage, context } = store;
    let removed = false;
    const disturbed = intercept(storage, {
      pointers: (real) => ({
        listPointersByPrefix: async (prefix, options) => {
          const [row] = await listBackups(context);
          if (!removed && row && row.pointers > 10) {
            removed = true;
            await remove(context, target, row.id);
          }
          return real.listPointersByPrefix(prefix, options);
        },
      }),
    });
    await assert.rejects(
      createBackup({ ...context, storage: disturbed }, target, { segmentLines: 2, pageSize: 2 }),
      { code: 'STORAGE_PRECONDITION_FAILED', message: /removed by another process/ },
    );
    assert.ok(removed);
    assert.deepEqual(await listBackups(context), []);
  });

  test('of a removal and a backup that begins to build on it, at whatever moment, one fails', async () => {
    const outcomes = new Set<string>();
    for (let at = 1; at <= 12; at++) {
      const { store, target } = await open();
      await using _ = store;
      const { storage, context } = store;
      const { id } = await createBackup(context, target);
      let calls = 0;
      let removal: Promise<string[]> | undefined;
      const begin = async (): Promise<void> => {
        if (++calls !== at) return;
        removal = remove(context, target, id);
        await removal.catch(() => undefined);
      };
      const disturbed = intercept(storage, {
        system: (real) => ({
          get: async (key, options) => {
            await begin();
            return real.get(key, options);
          },
          compareAndSetBatch: async (operations, options) => {
            await begin();
            return real.compareAndSetBatch(operations, options);
          },
        }),
      });
      const built = await createBackup({ ...context, storage: disturbed }, target, { since: id }).then(
        () => true,
        () => false,
      );
      removal ??= remove(context, target, id);
      const removed = await removal.then(
        () => true,
        () => false,
      );
      assert.notEqual(built, removed, `at ${at}`);
      outcomes.add(built ? 'built' : 'removed');
      for (const each of await listBackups(context)) await openBackup(target, each.id);
    }
    assert.equal(outcomes.size, 2);
  });

  test('the other way round: one that is registered while the removal looks for those that build on it', async () => {
    const { store, target } = await open();
    await using _ = store;
    const { storage, context } = store;
    const { id } = await createBackup(context, target);
    let next: string | undefined;
    const disturbed = intercept(storage, {
      system: (real) => ({
        listPointersByPrefix: async (prefix, options) => {
          const page = await real.listPointersByPrefix(prefix, options);
          if (next === undefined) ({ id: next } = await createBackup(context, target, { since: id }));
          return page;
        },
      }),
    });
    await assert.rejects(remove({ ...context, storage: disturbed }, target, id), /builds on/);
    assert.deepEqual((await openBackup(target, next ?? '')).bases, [id]);
    assert.deepEqual(await remove(context, target, id, { withDependents: true }), [next, id]);
  });

  test('one whose place is gone is taken off the list alone, and can be registered again', async () => {
    const { store, target } = await open();
    await using _ = store;
    const { context } = store;
    const { id } = await createBackup(context, target);
    await assert.rejects(removeBackup(context, id, { openTarget: unreachable }), /no such disk/);
    assert.equal((await listBackups(context))[0]?.state, 'complete');
    const crash = new CrashPoint(2);
    const dying = removeBackup(crash.context(context), id, { openTarget: async () => crash.target(target) });
    await assert.rejects(dying, Crash);
    await assert.rejects(registerBackup(context, target, id), /is removing/);
    await removeBackup(context, id, { openTarget: unreachable, rowOnly: true });
    assert.deepEqual(await listBackups(context), []);
    assert.equal((await findBackup(target))?.id, id);
    assert.deepEqual(await registerBackup(context, target, id), [id]);
  });
});

async function unreachable(): Promise<never> {
  throw new Error('no such disk');
}
