// First: it sees to it that compressing is part of the schedule.
import { runPlan } from './run-plan.ts';

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DAY_MS, HOUR_MS } from './model-time.ts';
import type { CollectorOp, Plan } from './plan.ts';
import { onMemory } from './stores.ts';

const COLLECT: CollectorOp = { do: 'collect', what: 'cas', breakLease: false };

/** A writer stands still right before its nth call while its blobs are condemned and collected. */
function stalledBefore(nth: number): Plan {
  return {
    seed: 1,
    pageSize: 1_000,
    batchLimit: 1_000,
    sliceMs: 5_000,
    maxDeleteRatio: 1,
    tombstoneTtlMs: HOUR_MS,
    processes: [
      {
        as: 'client',
        caching: false,
        ops: [
          {
            do: 'set-metadata',
            of: 'table',
            at: { account: 'acme', levels: ['a'], name: 't' },
            text: 'two',
          },
        ],
      },
      {
        as: 'collector',
        ops: [
          { do: 'wait', milliseconds: 2 * HOUR_MS },
          COLLECT,
          { do: 'wait', milliseconds: 8 * DAY_MS },
          COLLECT,
        ],
      },
    ],
    events: [{ after: nth - 1, what: 'stall' }],
  };
}

void test('a writer that stands still for longer than grace and retention, at whichever call', async (t) => {
  let mended = 0;
  let acknowledged = 0;
  for (let nth = 1; nth <= 10; nth++) {
    const tally = await runPlan(stalledBefore(nth), { open: onMemory });
    assert.ok(tally.deleted > 0 || tally.mended === 0);
    ({ mended, acknowledged } = {
      mended: mended + tally.mended,
      acknowledged: acknowledged + tally.acknowledged,
    });
  }
  // The one that had sent its commit already finds its blobs gone, and puts them again before it is acknowledged.
  assert.ok(mended > 0, 'a commit came after its blobs were collected');
  t.diagnostic(
    `${mended} of 10 commits came after their blobs were collected; ${acknowledged} were acknowledged`,
  );
});
