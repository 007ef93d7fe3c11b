// First: what it replaces is taken over by whatever imports it after.
import { isZstdInPlace } from './in-place-zstd.ts';

import assert from 'node:assert/strict';
import { setImmediate as drained } from 'node:timers/promises';

import { Client } from './client.ts';
import { Collector } from './collector.ts';
import type { OpenStores, Weakness } from './model-world.ts';
import { ModelWorld, SOUND } from './model-world.ts';
import type { Plan } from './plan.ts';
import { Process } from './process.ts';
import { comeToRest } from './rest.ts';
import { Scheduler } from './scheduler.ts';
import type { Tally } from './tally.ts';

export interface RunOptions {
  readonly open: OpenStores;
  readonly weakness?: Weakness;
}

/** Plays one schedule through, to its rest. Throws what is not as it should be. */
export async function runPlan(plan: Plan, { open, weakness = SOUND }: RunOptions): Promise<Tally> {
  assert.ok(isZstdInPlace());
  const world = await ModelWorld.open(plan, open, weakness);
  try {
    const actors = plan.processes.map((each, i) => {
      const process = new Process(`p${i}`, world.time);
      return each.as === 'client'
        ? new Client(process, world, each)
        : new Collector(process, world, each.ops);
    });
    const scheduler = new Scheduler(
      world,
      actors.map(({ process }) => process),
      plan,
    );
    const running = actors.map((actor) =>
      actor.run().catch((error: unknown) => void (world.failure ??= error)),
    );
    await scheduler.run();
    const done = await Promise.race([Promise.all(running), drained('stuck' as const)]);
    assert.notEqual(done, 'stuck', 'a process waits for nothing');
    if (world.failure !== undefined) throw world.failure;
    await comeToRest(world);
    world.tally.schedules = 1;
    return world.tally;
  } finally {
    await world.storage.close();
  }
}
