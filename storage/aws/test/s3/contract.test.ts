import { after, test } from 'node:test';

import { blobContract, registerContract, SLOW_BACKEND } from '@floecat/storage-testkit';

import { startEndpoint } from './endpoint.ts';
import { openS3Fixture } from './s3-fixture.ts';

const endpoint = await startEndpoint();
if ('skip' in endpoint) test('contract blobs on S3', { skip: endpoint.skip });
else {
  after(() => endpoint[Symbol.asyncDispose]());
  registerContract('blobs on S3', blobContract, () => openS3Fixture(endpoint.endpoint), SLOW_BACKEND);
}
