import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';

import * as repository from '@floecat/repository';
import type { StorageFixture } from '@floecat/storage-testkit';
import { seededRandom, withSeed } from '@floecat/storage-testkit';
import type { SeededRandom } from '@floecat/storage-testkit';
import { RetryBudget, StorageError } from '@floecat/storage-spi';

import { openFixtureOf } from '../../../../storage/memory/test/memory-fixture.ts';
import type { Counted } from '../support/counting.ts';
import { countOnce } from '../support/counting.ts';
import { Crash } from '../support/crash.ts';
import { injectFaults } from '../support/faults.ts';
import { openLawWorld } from '../support/law-world.ts';
import type { Interception } from '../support/store-calls.ts';
import { interceptCalls } from '../support/store-calls.ts';
import { checkStore } from '../support/store-check.ts';

const SCHEDULES = process.env['FLOECAT_SOAK'] ? 20_000 : 200;
const LEASE_MS = 30_000;
const KEYS = ['a', 'b'];
const AMPLE = { capacity: 1_000_000, costPerRetry: 1, refundPerSuccess: 1 };

/** Calls of the stores wait here until the schedule lets them go, one at a time, in any order. */
class Gate {
  readonly #waiting: (() => void)[] = [];

  readonly pass = (): Promise<void> => new Promise((resolve) => this.#waiting.push(resolve));

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  letOne(random: SeededRandom): void {
    this.#waiting.splice(random.below(this.#waiting.length), 1)[0]?.();
  }
}

interface Outcome {
  readonly key: string;
  readonly n?: number;
  readonly error?: unknown;
}

interface Tally {
  crashes: number;
  faults: number;
  replays: number;
  unknown: number;
}

/** A few processes call with the same few keys, while calls fail, land late, stall past their lease, and processes die. */
async function schedule(fixture: StorageFixture, random: SeededRandom, tally: Tally): Promise<void> {
  const world = await openLawWorld(repository, fixture);
  const { clock } = fixture;
  const gate = new Gate();
  const flushes: (() => Promise<void>)[] = [];
  const outcomes: Outcome[] = [];
  const running = new Set<Promise<void>>();

  const start = (key: string): void => {
    const faults = injectFaults(random, 3 + random.below(15));
    flushes.push(faults.flush);
    let left = random.below(4) === 0 ? 1 + random.below(25) : Infinity;
    const intercept: Interception = async (call, proceed) => {
      if (--left <= 0) throw new Crash();
      await gate.pass();
      return faults.intercept(call, proceed);
    };
    const client = repository.openRepositories(
      repository.repositoryContext(interceptCalls(fixture.storage, intercept), 'acme', {
        clock,
        random,
        cache: { blobBytes: 0 },
        budget: new RetryBudget(AMPLE),
        idempotency: { ttlMs: 24 * 3_600_000, leaseMs: LEASE_MS },
      }),
    );
    const call = async (): Promise<void> => {
      try {
        const { result, replayed } = await countOnce(repository, client, key, { name: key });
        if (replayed) tally.replays++;
        outcomes.push({ key, n: result.n });
      } catch (error) {
        outcomes.push({ key, error });
      }
      running.delete(ended);
      if (left <= 0) tally.crashes++;
      tally.faults += Object.values(faults.counts).reduce((sum, count) => sum + count, 0);
    };
    const ended = call();
    running.add(ended);
  };

  let toStart = 3 + random.below(5);
  while (toStart > 0 || running.size > 0) {
    await turn();
    if (toStart > 0 && (running.size === 0 || random.below(12) === 0)) {
      toStart--;
      start(random.pick(KEYS));
    } else if (!gate.isEmpty && random.below(15) > 0) gate.letOne(random);
    // Mostly a pause passes; now and then whatever is under way stalls for longer than its lease.
    else clock.advance(random.below(25) === 0 ? LEASE_MS + 1_000 : 50 + random.below(500));
  }

  for (const flush of flushes) await flush();
  clock.advance(LEASE_MS + 1_000);
  const { properties } = (await world.repositories.catalogs.require('lake')).resource;
  for (const key of KEYS) {
    const told = outcomes.filter((each) => each.key === key);
    const succeeded = told.some(({ n }) => n !== undefined);
    for (const { n, error } of told) {
      if (n !== undefined) assert.equal(n, 1, 'all are told the first result');
      else assert.ok(isExpected(error), error instanceof Error ? error.stack : String(error));
      if (error instanceof StorageError && error.code === 'STORAGE_UNKNOWN_OUTCOME') tally.unknown++;
    }
    if (succeeded) assert.equal(properties[key], '1', 'what was told was applied, once');
    const last: Counted = (await countOnce(repository, world.client(), key, { name: key })).result;
    assert.deepEqual(last, { n: 1 });
  }
  const after = (await world.repositories.catalogs.require('lake')).resource.properties;
  for (const key of KEYS) assert.equal(after[key], '1', `${key} was applied exactly once`);
  await checkStore(fixture.storage, { atRest: true });
}

function isExpected(error: unknown): boolean {
  return (
    error instanceof Crash ||
    error instanceof repository.IdempotencyInProgressError ||
    (error instanceof StorageError && /UNAVAILABLE|UNKNOWN_OUTCOME|ABORT_RETRYABLE/.test(error.code))
  );
}

void test(`idempotent runs in ${SCHEDULES} random interleavings with faults, crashes and stalls: each applied exactly once`, async (t) => {
  const seed = Number(process.env['FLOECAT_SEED'] ?? randomInt(2 ** 31));
  const seeds = seededRandom(seed);
  const tally: Tally = { crashes: 0, faults: 0, replays: 0, unknown: 0 };
  for (let i = 0; i < SCHEDULES; i++)
    await withSeed(
      async (random) => {
        await using fixture = await openFixtureOf();
        await schedule(fixture, random, tally);
      },
      i === 0 ? seed : seeds.below(2 ** 31),
    );
  t.diagnostic(
    `${SCHEDULES} schedules from seed ${seed}: ${tally.faults} faults, ${tally.crashes} processes died, ` +
      `${tally.replays} calls were told an earlier result, ${tally.unknown} ended unknown`,
  );
  assert.ok(tally.replays > 0 && tally.crashes > 0);
});
