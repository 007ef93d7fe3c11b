// First: it sees to it that compressing is part of the schedule.
import { IS_SOAK, play, seedOf } from './campaign.ts';

import { test } from 'node:test';

import { plans } from './plan-arbitrary.ts';
import { onMemory } from './stores.ts';

void test('whatever happens to whomever, no blob is lost, no answer is wrong, and nothing is left', async (t) => {
  const schedules = IS_SOAK ? 60_000 : 800;
  await play(t, { name: 'memory', plans, schedules, seed: seedOf(20_261_127), options: { open: onMemory } });
});
