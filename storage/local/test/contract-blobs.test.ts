import { blobContract, registerContract, secretsContract, SLOW_BACKEND } from '@floecat/storage-testkit';

import { openLocalFixture } from './local-fixture.ts';

registerContract('blobs on local', blobContract, openLocalFixture, SLOW_BACKEND);
registerContract('secrets on local', secretsContract, openLocalFixture, SLOW_BACKEND);
