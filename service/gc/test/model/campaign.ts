// First: it sees to it that compressing is part of the schedule.
import { runPlan } from './run-plan.ts';

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';

import * as fc from 'fast-check';

import type { Plan } from './plan.ts';
import type { RunOptions } from './run-plan.ts';
import { Tally } from './tally.ts';

export interface Campaign {
  readonly name: string;
  readonly plans: fc.Arbitrary<Plan>;
  readonly schedules: number;
  readonly seed: number;
  readonly options: RunOptions;
}

/** `{seed}/{path}` of a schedule that failed, as its message has it: plays that one again, and shrinks it further. */
const REPLAY = 'FLOECAT_MODEL_REPLAY';
/** Shrinking plays a schedule for each step; after this long, the smallest one so far is told. */
const SHRINKING_MS = 120_000;

export const IS_SOAK = process.env['FLOECAT_SOAK'] !== undefined;

/** A seed that is the same in every run of the tests, and another one in every soak. */
export function seedOf(fixed: number): number {
  return IS_SOAK ? Math.trunc(Math.random() * 2 ** 31) : fixed;
}

/** Plays schedules, tells how many and from which seed, and fails with the smallest one that fails. */
export async function play(t: TestContext, campaign: Campaign): Promise<Tally> {
  const { name, plans, schedules, options } = campaign;
  const [given, path] = process.env[REPLAY]?.split('/') ?? [];
  const seed = given === undefined ? campaign.seed : Number(given);
  const total = new Tally();
  const began = performance.now();
  const cpu = process.cpuUsage();
  let failedAt: number | undefined;
  const property = fc.asyncProperty(plans, async (plan) => {
    if (failedAt !== undefined && performance.now() - failedAt > SHRINKING_MS) return;
    try {
      total.add(await runPlan(plan, options));
    } catch (error) {
      failedAt ??= performance.now();
      throw error;
    }
  });
  const replayed = path === undefined ? {} : { path };
  const result = await fc.check(property, { seed, numRuns: schedules, ...replayed });
  const { user, system } = process.cpuUsage(cpu);
  const wall = ((performance.now() - began) / 1_000).toFixed(1);
  t.diagnostic(
    `${name}: ${total.toString()}; seed ${seed}; ${wall} s, ${((user + system) / 1e6).toFixed(1)} s of CPU`,
  );
  if (result.failed)
    assert.fail(
      new Error(
        `${name}: a schedule fails; replay it with ${REPLAY}=${seed}/${result.counterexamplePath}\n` +
          `shrunk ${result.numShrinks} times: ${JSON.stringify(result.counterexample?.[0])}`,
        { cause: result.errorInstance },
      ),
    );
  return total;
}
