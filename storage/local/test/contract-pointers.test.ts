import { pointerContract, registerContract, spiWrappers } from '@floecat/storage-testkit';

import { openLocalFixture } from './local-fixture.ts';

// Each case starts a thread that writes, so the wrappers, which the memory store shows to change no law, wait for
// the long run.
const wrappers = process.env['FLOECAT_SOAK'] === '1' ? spiWrappers : [];

registerContract('pointers on local', pointerContract, openLocalFixture, { wrappers });
