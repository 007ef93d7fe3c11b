// First: it sees to it that compressing is part of the schedule.
import { IS_SOAK, play, seedOf } from './campaign.ts';

import { after, test } from 'node:test';

import { startAwsBackend } from '../../../repository/test/support/aws-backend.ts';
import { busyPlans } from './busy-plans.ts';
import type { OpenStores } from './model-world.ts';
import { timedBy } from './stores.ts';

const backend = await startAwsBackend();
after(async () => {
  if (!('skip' in backend)) await backend[Symbol.asyncDispose]();
});

void test(
  'the same on DynamoDB Local and an S3 endpoint',
  { skip: 'skip' in backend ? backend.skip : false },
  async (t) => {
    if ('skip' in backend) return;
    // The endpoint stamps blobs with its own time, and that of a schedule runs faster.
    const open: OpenStores = async ({ clock }) => {
      const fixture = await backend.open({ clock });
      const close = async (): Promise<void> => fixture[Symbol.asyncDispose]();
      return { ...timedBy(fixture.storage, clock), close, [Symbol.asyncDispose]: close };
    };
    const schedules = IS_SOAK ? 200 : 2;
    const plans = busyPlans({ faults: true });
    await play(t, { name: 'aws', plans, schedules, seed: seedOf(496), options: { open } });
  },
);
