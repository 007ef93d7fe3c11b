import assert from 'node:assert/strict';

import * as repository from '@floecat/repository';
import { StorageAbortRetryableError, StorageUnknownOutcomeError } from '@floecat/storage-spi';
import type { SeededRandom, StorageFixture } from '@floecat/storage-testkit';

import type { Faults } from './faults.ts';
import { injectFaults } from './faults.ts';
import type { LawWorld } from './law-world.ts';
import { openLawWorld } from './law-world.ts';
import { checkStore } from './store-check.ts';

/** One store call in so many fails. */
const FAULT_EVERY = 15;
const BANKS = 8;
const CLERKS = 8;
const OPENING = 100;

/** What a client does who was told that a change may have been applied, or was not: it looks, and tries again. */
async function untilItIsTold<T>(tries: { again: number }, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const mayRepeat =
        error instanceof StorageUnknownOutcomeError ||
        error instanceof StorageAbortRetryableError ||
        error instanceof repository.IdempotencyInProgressError;
      if (!mayRepeat) throw error;
      tries.again++;
    }
  }
}

interface CountOptions {
  readonly writers: number;
  readonly increments: number;
  /** Whether a pause takes its time, which spares a store where each lost race is dear. */
  readonly waits?: boolean;
}

/** Many writers increment one counter through update-with-retry, while calls fail: the sum is exact. */
export async function countAtOnce(
  fixture: StorageFixture,
  random: SeededRandom,
  { writers, increments, waits = false }: CountOptions,
): Promise<string> {
  const world = await openLawWorld(repository, fixture, { waits });
  const { owner } = await world.repositories.catalogs.require('lake');
  const tries = { again: 0 };
  const all: Faults[] = [];
  const writer = async (_: unknown, id: number): Promise<void> => {
    const faults = injectFaults(random, FAULT_EVERY);
    all.push(faults);
    const { catalogs } = world.client(faults.intercept);
    const own = `by ${id}`;
    for (let i = 1; i <= increments; i++)
      await untilItIsTold(tries, () =>
        catalogs
          .update(
            owner.id,
            ({ properties }) => {
              if (properties[own] === String(i)) throw new AlreadyThere();
              properties[own] = String(i);
              properties['n'] = String(Number(properties['n'] ?? '0') + 1);
            },
            { attempts: 10_000 },
          )
          .catch((error: unknown) => {
            if (!(error instanceof AlreadyThere)) throw error;
          }),
      );
  };
  await Promise.all(Array.from({ length: writers }, writer));
  for (const { flush } of all) await flush();
  const { resource, pointer } = await world.repositories.catalogs.require('lake');
  assert.equal(resource.properties['n'], String(writers * increments));
  assert.equal(pointer.version, 1 + writers * increments, 'each increment is a version');
  await checkStore(fixture.storage, { atRest: true });
  return `${writers * increments} increments, ${faultsOf(all)} faults, ${tries.again} calls ended without an answer`;
}

class AlreadyThere extends Error {}

/**
 * Clerks move money between accounts in transactions, each once, while calls fail: the sum is the same at every audit,
 * and in the end everybody has what the transfers that were told of come to.
 */
export async function transferAtOnce(
  fixture: StorageFixture,
  random: SeededRandom,
  { rounds }: { readonly rounds: number },
): Promise<string> {
  const world = await openLawWorld(repository, fixture);
  const ids = await openBanks(world);
  const balances = new Map(ids.map((id) => [id, OPENING]));
  const tries = { again: 0 };
  const all: Faults[] = [];
  const tally = { transfers: 0, refused: 0, audits: 0 };
  const clerk = async (): Promise<void> => {
    const faults = injectFaults(random, FAULT_EVERY);
    all.push(faults);
    const client = world.client(faults.intercept);
    for (let i = 0; i < 2; i++) {
      const from = random.pick(ids);
      const to = random.pick(ids.filter((id) => id !== from));
      const amount = 1 + random.below(60);
      const key = `transfer ${tally.transfers++}`;
      const done = await untilItIsTold(tries, () => transfer(client, key, { from, to, amount }));
      if (!done) tally.refused++;
      for (const [id, by] of [
        [from, -amount],
        [to, amount],
      ] as const)
        if (done) balances.set(id, (balances.get(id) ?? 0) + by);
    }
  };
  const check = async (): Promise<void> => {
    tally.audits++;
    assert.equal(await audit(world, ids), BANKS * OPENING);
  };
  // In each round one audit runs beside the clerks, and one after them.
  for (let round = 0; round < rounds; round++) {
    const clerks = Promise.all(Array.from({ length: CLERKS }, clerk));
    await Promise.all([clerks, check()]);
    for (const { flush } of all) await flush();
    await check();
  }
  for (const id of ids) {
    const { resource } = await world.repositories.catalogs.requireById(id);
    assert.equal(
      Number(resource.properties['n']),
      balances.get(id),
      'each transfer was applied once, or refused',
    );
    assert.ok(Number(resource.properties['n']) >= 0, 'nobody was overdrawn');
  }
  assert.ok(tally.refused < tally.transfers);
  await checkStore(fixture.storage, { atRest: true });
  return (
    `${tally.transfers} transfers, ${tally.refused} of them refused, ${tally.audits} audits, ` +
    `${faultsOf(all)} faults, ${tries.again} calls ended without an answer`
  );
}

function faultsOf(all: readonly Faults[]): number {
  return all.flatMap(({ counts }) => Object.values(counts)).reduce((sum, count) => sum + count, 0);
}

async function openBanks({ repositories }: LawWorld): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < BANKS; i++) {
    const made = await repositories.catalogs.create(`bank-${i}`, { properties: { n: String(OPENING) } });
    ids.push(made.owner.id);
  }
  return ids;
}

interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
}

/** False where there is not enough. */
async function transfer(
  { context, catalogs }: LawWorld['repositories'],
  key: string,
  { from, to, amount }: Transfer,
): Promise<boolean> {
  const run = { key, fingerprint: repository.fingerprintOf(from, to, amount) };
  const once = await repository.runOnce<boolean>(context, run, async ({ completing }) => {
    const { result } = await repository.transact(
      context,
      async (transaction) => {
        const [payer, payee] = [await catalogs.requireById(from), await catalogs.requireById(to)];
        const isEnough = Number(payer.resource.properties['n']) >= amount;
        transaction.also(await completing(isEnough));
        if (!isEnough) {
          transaction.unchanged(payer);
          return false;
        }
        for (const [seen, by] of [
          [payer, -amount],
          [payee, amount],
        ] as const) {
          const n = String(Number(seen.resource.properties['n']) + by);
          transaction.replace(repository.catalogKind, seen, { ...seen.resource, properties: { n } });
        }
        return true;
      },
      { attempts: 10_000 },
    );
    return result;
  });
  return once.result;
}

/** The sum over all, read at one moment: that nothing of it has changed is proven by a transaction. */
async function audit({ repositories }: LawWorld, ids: readonly string[]): Promise<number> {
  const { context, catalogs } = repositories;
  const { result } = await repository.transact(
    context,
    async (transaction) => {
      let sum = 0;
      for (const id of ids) {
        const seen = await catalogs.requireById(id);
        transaction.unchanged(seen);
        sum += Number(seen.resource.properties['n']);
      }
      return sum;
    },
    { attempts: 10_000 },
  );
  return result;
}
