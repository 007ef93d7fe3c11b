import { pointerContract, registerContract, SLOW_BACKEND } from '@floecat/storage-testkit';

import { openLocalFixture } from './local-fixture.ts';

registerContract('pointers on local', pointerContract, openLocalFixture, SLOW_BACKEND);
