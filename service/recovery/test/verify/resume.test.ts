import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import type { PlanLine, RecoveryContext, VerifyCounts, VerifyOptions } from '@floecat/recovery';
import { RecoveryRefusedError, verify } from '@floecat/recovery';
import { openRepositories, repositoryContext } from '@floecat/repository';
import { compareUtf8 } from '@floecat/storage-spi';
import { FakeClock } from '@floecat/storage-testkit';

import { onEveryCall } from '../../../gc/test/support/intercept.ts';
import { publishTable } from '../../../repository/test/support/lake.ts';
import { inFolderOrder, keyToStartAt, compareFolders } from '../../src/verify/folder-order.ts';
import { paceStorage } from '../../src/verify/pace.ts';
import { MEMORY } from '../support/backends.ts';
import { linesOf, makePlan, planFolder } from '../support/plans.ts';
import type { VerifyWorld } from '../support/verify-world.ts';
import { openVerifyWorld, rowsOf, told, verified } from '../support/verify-world.ts';

const SOAK = process.env['FLOECAT_SOAK'] !== undefined;
/** Names whose folders stand in another order than their keys. */
const ACCOUNTS = ['acme-2', 'acme!', 'acme/x', 'b'];

/** Several accounts with things wrong in many places. */
async function brokenWorld(): Promise<VerifyWorld> {
  const world = await openVerifyWorld(MEMORY[1]);
  const { storage, clock, random } = world.context;
  for (const account of ACCOUNTS) {
    const options = { clock: world.fixture.clock, random, cache: { blobBytes: 0 } };
    const repositories = openRepositories(repositoryContext(storage, account, options));
    await repositories.accounts.ensure(account);
    await repositories.catalogs.create('lake');
    await repositories.namespaces.create('lake', ['sales']);
    await publishTable({ repositories }, ['sales'], 'orders');
  }
  assert.ok(clock);
  const blobs = await rowsOf(world);
  for (const [i, row] of blobs.entries()) {
    if (i % 5 === 0 && row.kind === 'blob') await storage.blobs.delete(row.blobUri);
    if (i % 7 === 0 && row.kind === 'value') await storage.pointers.compareAndDelete(row.key, row);
  }
  await storage.pointers.compareAndSet('zzz', 0, { kind: 'value', value: 'x' });
  await storage.blobs.put('/elsewhere', Buffer.from('x'));
  return world;
}

/** The context whose `nth` call fails, as where the process was killed. */
function dying(context: RecoveryContext, nth: number): RecoveryContext {
  let calls = 0;
  const storage = onEveryCall(context.storage, () => {
    if (++calls >= nth) throw new Error('killed');
  });
  return { ...context, storage };
}

function withoutLine({ line: _line, ...rest }: PlanLine): object {
  return rest;
}

function isKilled(run: Promise<unknown>): Promise<boolean> {
  return run.then(
    () => false,
    (error: unknown) => {
      if ((error as Error).message !== 'killed') throw error;
      return true;
    },
  );
}

suite('an interrupted run', () => {
  test('goes on where it was: what it finds, counts and plans is what an undisturbed one does', async () => {
    await using world = await brokenWorld();
    const options: VerifyOptions = { pageSize: 4, saveMs: 0, seed: 's' };
    await using whole = await planFolder();
    const expected = await makePlan(world.context, whole.path, options);
    assert.ok(expected.length > 10);
    const undisturbed = (await verified(world.context, options)).report;
    const lines = (await linesOf(whole.path)).map(withoutLine);

    for (let first = 3; ; first += SOAK ? 1 : 29) {
      await using plan = await planFolder();
      let id = '';
      const onStart = (run: string): void => void (id = run);
      if (!(await isKilled(makePlan(dying(world.context, first), plan.path, { ...options, onStart })))) break;
      // Killed once more, and then let be.
      const again = { ...options, resumeFrom: id };
      if (await isKilled(makePlan(dying(world.context, 25), plan.path, again))) {
        let counts: VerifyCounts | undefined;
        await makePlan(world.context, plan.path, {
          ...again,
          onReport: (report) => (counts = report.counts),
        });
        assert.deepEqual(counts, undisturbed.counts, `killed ahead of call ${first}`);
      }
      assert.deepEqual((await linesOf(plan.path)).map(withoutLine), lines, `killed ahead of call ${first}`);
    }
  });

  test('what came to its end, or never was, is not resumed; nor does a second process go on with it', async () => {
    await using world = await openVerifyWorld(MEMORY[1]);
    const { run } = await verify(world.context);
    for (const resumeFrom of [run, 'nothing'])
      await assert.rejects(verify(world.context, { resumeFrom }), RecoveryRefusedError);
    let id = '';
    const options: VerifyOptions = { pageSize: 2, saveMs: 0, onStart: (started) => void (id = started) };
    await assert.rejects(verify(dying(world.context, 12), options), /killed/);
    const both = await Promise.allSettled([
      verify(world.context, { ...options, resumeFrom: id }),
      verify(world.context, { ...options, resumeFrom: id }),
    ]);
    const refused = both.filter(({ status }) => status === 'rejected');
    assert.equal(refused.length, 1);
    assert.match(String((refused[0] as PromiseRejectedResult).reason), /another process/);
  });

  test('it stops between two pages when it is told to, and an answer of the store ends it at once', async () => {
    await using world = await openVerifyWorld(MEMORY[1]);
    const stop = new AbortController();
    let id = '';
    const onProgress = (): void => stop.abort(new Error('enough'));
    const context = { ...world.context, signal: stop.signal, onProgress };
    const options: VerifyOptions = { pageSize: 3, onStart: (run) => void (id = run) };
    await assert.rejects(verify(context, options));
    assert.deepEqual((await verified(world.context, { resumeFrom: id })).findings, []);
  });
});

suite('a part of a store', () => {
  test('a sample is the same for the same seed, grows with its share, and all of it is everything', async () => {
    await using world = await brokenWorld();
    const all = told((await verified(world.context)).findings);
    const found = async (sample: number, seed: string): Promise<string[]> =>
      told((await verified(world.context, { sample, seed })).findings);
    const third = await found(0.3, 'a');
    assert.deepEqual(await found(0.3, 'a'), third);
    assert.notDeepEqual(await found(0.3, 'b'), third);
    const more = await found(0.8, 'a');
    assert.ok(third.length < more.length && more.length < all.length);
    assert.ok(third.every((one) => more.includes(one)) && more.every((one) => all.includes(one)));
    assert.deepEqual(await found(1, 'a'), all);
    for (const sample of [0, -1, 1.01, Number.NaN])
      await assert.rejects(verify(world.context, { sample }), { code: 'INVALID_ARGUMENT' });
  });

  test('accounts alone: their findings, and those of no other', async () => {
    await using world = await brokenWorld();
    const all = told((await verified(world.context)).findings);
    const beside = all.filter((one) => one.endsWith(' zzz') || one.endsWith('/elsewhere'));
    const parts = [];
    for (const account of ['acme', ...ACCOUNTS])
      parts.push(...told((await verified(world.context, { accounts: [account] })).findings));
    assert.deepEqual([...parts, ...beside].toSorted(), all);
    const together = await verified(world.context, { accounts: [...ACCOUNTS, 'acme', 'acme'] });
    assert.deepEqual(told(together.findings), parts.toSorted());
  });
});

test('a rate is kept: requests and bytes wait for their place, and writes do not', async () => {
  await using world = await openVerifyWorld(MEMORY[1]);
  const clock = new FakeClock({ autoAdvance: true });
  let calls = 0;
  const counted = onEveryCall(world.context.storage, () => void calls++);
  const slow = paceStorage(counted, { requestsPerSecond: 10 }, { clock });
  for (let i = 0; i < 21; i++) await slow.pointers.get('/a');
  assert.equal(clock.monotonic(), 2_000);
  await slow.pointers.getBatch(['/a', '/b', '/c', '/d', '/e']);
  await slow.pointers.get('/a');
  assert.equal(clock.monotonic(), 2_600);
  await slow.pointers.compareAndSet('/a', 0, { kind: 'value', value: 'x' });
  assert.equal(clock.monotonic(), 2_600);
  assert.equal(calls, 24);

  await world.context.storage.blobs.put('/blob', Buffer.alloc(1_000));
  const thin = paceStorage(world.context.storage, { bytesPerSecond: 500 }, { clock });
  const before = clock.monotonic();
  for (let i = 0; i < 3; i++) await thin.blobs.get('/blob');
  assert.equal(clock.monotonic() - before, 4_000);
  const begun = clock.monotonic();
  await verified({ ...world.context, clock }, { rate: { requestsPerSecond: 100 } });
  assert.ok(clock.monotonic() - begun > 500);
});

test('folders come in their order, and a walk that begins in the middle misses none behind it', async () => {
  const names = [
    '',
    '!',
    '-',
    '0',
    'a',
    'a!',
    'a-',
    'a--',
    'a-b',
    'a.',
    'a/',
    'a0',
    'aa',
    'b',
    'b-a',
    'b-a-',
    'b-a.c',
    'b0',
  ]
    .filter((name) => name !== '' && !name.includes('/'))
    .toSorted(compareUtf8);
  const ordered: string[] = [];
  const source = async function* (): AsyncGenerator<string> {
    yield* names;
  };
  for await (const name of inFolderOrder(source(), (each) => each)) ordered.push(name);
  assert.deepEqual(ordered, names.toSorted(compareFolders));
  for (const name of names)
    for (const behind of names)
      if (compareFolders(behind, name) > 0)
        assert.ok(compareUtf8(behind, keyToStartAt(name)) >= 0, `${behind} ${name}`);
});
