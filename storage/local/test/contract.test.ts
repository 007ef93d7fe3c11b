import { blobContract, pointerContract, registerContract, secretsContract } from '@floecat/storage-testkit';

import { openLocalFixture } from './local-fixture.ts';

registerContract('pointers on local', pointerContract, openLocalFixture);
registerContract('blobs on local', blobContract, openLocalFixture);
registerContract('secrets on local', secretsContract, openLocalFixture);
