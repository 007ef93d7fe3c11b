import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import type { BatchOperation, PointerStore } from '@floecat/storage-spi';
import { StorageUnknownOutcomeError } from '@floecat/storage-spi';

import { present } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { HistoryRecorder } from '../history-recorder.ts';
import { assertLinearizable } from '../linearizability.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { withSeed } from '../seeded-random.ts';
import { clientsOf, create, fill, pointerCase, textOf, unchanged, value } from './pointer-support.ts';

const ACCOUNTS = 8;
const START = 1_000;

/** Adds 1 to the number at `key`, as often as it takes. */
async function increment(store: PointerStore, key: string): Promise<void> {
  for (;;) {
    const current = await store.get(key);
    const next = value(String(Number(textOf(current) ?? 0) + 1));
    if ((await store.compareAndSet(key, current ?? 0, next)).applied) return;
  }
}

/** Moves 1 between two accounts, as often as it takes, in the order in which it drew them. */
async function transfer(
  store: PointerStore,
  accounts: readonly string[],
  random: SeededRandom,
): Promise<void> {
  for (;;) {
    const from = random.pick(accounts);
    const to = random.pick(accounts.filter((key) => key !== from));
    const [source, target] = await store.getBatch([from, to]);
    const [debit, credit] = [present(source, 'the source'), present(target, 'the target')];
    const result = await store.compareAndSetBatch([
      { op: 'upsert', key: from, expected: debit, next: value(String(Number(textOf(debit)) - 1)) },
      { op: 'upsert', key: to, expected: credit, next: value(String(Number(textOf(credit)) + 1)) },
    ]);
    if (result.applied) return;
  }
}

/** The sum over all accounts, if they could be checked to stand so at one moment. */
async function audit(store: PointerStore, accounts: readonly string[]): Promise<number | undefined> {
  const rows = (await store.getBatch(accounts)).map((row) => present(row, 'an account'));
  const snapshot = await store.compareAndSetBatch(
    rows.map((row) => ({ op: 'check', key: row.key, expected: row })),
  );
  return snapshot.applied ? rows.reduce((sum, row) => sum + Number(textOf(row)), 0) : undefined;
}

function updates(keys: readonly string[], who: string): readonly BatchOperation[] {
  return keys.map((key) => ({ op: 'upsert', key, expected: 1, next: value(who) }));
}

/** What a lost answer may end in; anything else is thrown. */
function unknownOutcome(error: unknown): undefined {
  if (!(error instanceof StorageUnknownOutcomeError)) throw error;
  return undefined;
}

/** Many at once. Where the store can have two clients, half the work goes through each. */
export const concurrencyCases: readonly ContractCase[] = [
  pointerCase(
    '[69] of 64 creators of one key exactly one wins, and all see the winner',
    async ({ store, at, fixture }) => {
      const clients = await clientsOf(fixture);
      const writeIds: readonly string[] = Array.from({ length: 64 }, () => randomUUID());
      const results = await Promise.all(
        writeIds.map((writeId, i) =>
          present(clients[i % 2], 'a client')
            .compareAndSet(at('a'), 0, value(String(i)), { writeId })
            .catch(unknownOutcome),
        ),
      );
      const row = present(await store.get(at('a')), 'the row');
      const winners = results.flatMap((result) => (result?.applied ? [result.pointer] : []));
      // A creator whose answer was lost, and who finds another's row, cannot tell: its own may have been there before,
      // and deleted. The row is then that of the one winner, or of one that does not know.
      const winner = winners[0] ?? row;
      assert.ok(winners.length <= 1, `${winners.length} winners`);
      assert.deepEqual(row, winner);
      const by = writeIds.indexOf(winner.writeId);
      assert.ok(results[by] === undefined || results[by].applied, 'one that was refused created it');
      assert.deepEqual([textOf(winner), winner.version], [String(by), 1]);
      for (const result of results) if (result?.applied === false) assert.deepEqual(result.current, winner);
      const untold = results.filter((result) => result === undefined).length;
      assert.ok(untold <= writeIds.length / 2, `${untold} of 64 were told nothing`);
      await unchanged(store, winner);
    },
  ),

  pointerCase(
    '[70] five loops of ten increments make fifty, at version fifty',
    async ({ store, at, fixture }) => {
      const clients = await clientsOf(fixture);
      await Promise.all(
        Array.from({ length: 5 }, async (_, worker) => {
          for (let i = 0; i < 10; i++) await increment(present(clients[worker % 2], 'a client'), at('sum'));
        }),
      );
      const sum = present(await store.get(at('sum')), 'the sum');
      assert.deepEqual([textOf(sum), sum.version], ['50', 50]);
    },
  ),

  pointerCase('[71] of 32 deletes of one row exactly one wins', async ({ store, at, fixture }) => {
    const clients = await clientsOf(fixture);
    const row = await create(store, at('a'));
    const results = await Promise.all(
      Array.from({ length: 32 }, (_, i) =>
        present(clients[i % 2], 'a client').compareAndDelete(at('a'), i % 3 === 0 ? 1 : row),
      ),
    );
    assert.equal(results.filter((result) => result.applied).length, 1);
    for (const result of results) if (!result.applied) assert.equal(result.current, undefined);
    assert.equal(await store.get(at('a')), undefined);
  }),

  pointerCase('[72] create, update and delete churn on few keys is linearizable', async ({ at, fixture }) => {
    const clients = await clientsOf(fixture);
    await withSeed(async (random) => {
      const history = new HistoryRecorder();
      const keys = ['a', 'b', 'c'].map(at);
      const worker = async (id: number): Promise<void> => {
        const client = history.client(present(clients[id % 2], 'a client'));
        for (let i = 0; i < 40; i++) {
          const key = random.pick(keys);
          const seen = await client.get(key);
          const expected = random.below(4) === 0 ? random.below(4) : (seen ?? 0);
          if (seen && random.below(3) === 0)
            await client.delete(key, random.below(2) === 0 ? seen : seen.version);
          else await client.set(key, expected, `${id}-${i}`);
        }
      };
      await Promise.all(Array.from({ length: 6 }, (_, id) => worker(id)));
      for (const key of keys) await history.client(fixture.storage.pointers).get(key);
      assert.equal(history.entries.length, 6 * 40 * 2 + keys.length);
      assertLinearizable(history.entries);
    });
  }),

  pointerCase(
    '[76] transfers between accounts in batches keep the sum at every audit',
    async ({ store, at, fixture }) => {
      const clients = await clientsOf(fixture);
      const accounts = Array.from({ length: ACCOUNTS }, (_, i) => at(`account${i}`));
      await fill(store, accounts, () => value(String(START)));
      await withSeed(async (random) => {
        const done = new AbortController();
        const work = Array.from({ length: 4 }, async (_, worker) => {
          for (let i = 0; i < 25; i++)
            await transfer(present(clients[worker % 2], 'a client'), accounts, random);
        });
        const auditor = async (): Promise<void> => {
          while (!done.signal.aborted) {
            const sum = await audit(store, accounts);
            if (sum === undefined) continue;
            assert.equal(sum, ACCOUNTS * START);
          }
        };
        await Promise.all([Promise.all(work).finally(() => done.abort()), auditor()]);
        assert.equal(await audit(store, accounts), ACCOUNTS * START);
        const rows = await store.getBatch(accounts);
        const moved = rows.reduce((sum, row) => sum + (row?.version ?? 0) - 1, 0);
        assert.equal(moved, 4 * 25 * 2, 'each transfer moved two accounts, once');
      });
    },
  ),

  pointerCase(
    '[62] of two batches that meet in one key exactly one wins, without a mixture',
    async ({ store, at, fixture }) => {
      const [left, right] = await clientsOf(fixture);
      for (let round = 0; round < 20; round++) {
        const keys = ['a', 'b', 'c'].map((name) => at(`${round}/${name}`));
        await fill(store, keys, () => value('start'));
        const results = await Promise.all([
          left.compareAndSetBatch(updates(keys, 'left')),
          right.compareAndSetBatch(updates(keys.toReversed(), 'right')),
        ]);
        const winners = results.filter((result) => result.applied);
        assert.equal(winners.length, 1, `${winners.length} of two batches won`);
        const winner = results[0].applied ? 'left' : 'right';
        assert.deepEqual((await store.getBatch(keys)).map(textOf), [winner, winner, winner]);
      }
    },
  ),

  pointerCase(
    '[63] of a batch and a single write that race, exactly one wins',
    async ({ store, at, fixture }) => {
      const [left, right] = await clientsOf(fixture);
      for (let round = 0; round < 20; round++) {
        const [a, b] = [at(`${round}/a`), at(`${round}/b`)];
        await fill(store, [a, b], () => value('start'));
        const [batch, single] = await Promise.all([
          left.compareAndSetBatch([
            { op: 'upsert', key: a, expected: 1, next: value('batch') },
            { op: 'upsert', key: b, expected: 1, next: value('batch') },
          ]),
          right.compareAndSet(b, 1, value('single')),
        ]);
        assert.notEqual(batch.applied, single.applied);
        const expected = batch.applied ? ['batch', 'batch'] : ['start', 'single'];
        assert.deepEqual((await store.getBatch([a, b])).map(textOf), expected);
      }
    },
  ),
];
