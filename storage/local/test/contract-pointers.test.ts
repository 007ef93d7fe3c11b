import { pointerContract, registerContract } from '@floecat/storage-testkit';

import { openLocalFixture } from './local-fixture.ts';

registerContract('pointers on local', pointerContract, openLocalFixture, { wrappers: [] });
