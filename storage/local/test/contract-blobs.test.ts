import { blobContract, registerContract, secretsContract } from '@floecat/storage-testkit';

import { openLocalFixture } from './local-fixture.ts';

registerContract('blobs on local', blobContract, openLocalFixture);
registerContract('secrets on local', secretsContract, openLocalFixture);
