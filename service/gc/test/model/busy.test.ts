// First: it sees to it that compressing is part of the schedule.
import { IS_SOAK, play, seedOf } from './campaign.ts';

import { test } from 'node:test';

import { busyPlans } from './busy-plans.ts';
import { onMemory } from './stores.ts';

void test('writers that want the same blobs again, beside the collectors that take them', async (t) => {
  const schedules = IS_SOAK ? 40_000 : 1_200;
  const plans = busyPlans({ faults: true, stalls: true });
  await play(t, { name: 'busy', plans, schedules, seed: seedOf(4_711), options: { open: onMemory } });
});
