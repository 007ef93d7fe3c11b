// First: it sees to it that compressing is part of the schedule.
import { IS_SOAK, play, seedOf } from './campaign.ts';

import { test } from 'node:test';

import { plans } from './plan-arbitrary.ts';
import { onLocal } from './stores.ts';

void test('the same on the embedded store', async (t) => {
  const schedules = IS_SOAK ? 1_000 : 8;
  await play(t, { name: 'local', plans, schedules, seed: seedOf(8_128), options: { open: onLocal } });
});
