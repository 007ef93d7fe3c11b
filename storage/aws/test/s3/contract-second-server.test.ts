import { after, test } from 'node:test';

import { blobContract, registerContract, SLOW_BACKEND } from '@floecat/storage-testkit';

import { MOTO } from '../../../../tools/moto/moto.ts';
import { openS3Fixture } from './s3-fixture.ts';
import { SECOND_SERVER_DEFECTS, startSecondServer } from './second-server.ts';

const server = await startSecondServer();
const title = `blobs on S3 of ${MOTO}`;
if ('skip' in server) test(`contract ${title}`, { skip: server.skip });
else {
  after(() => server[Symbol.asyncDispose]());
  registerContract(title, blobContract, () => openS3Fixture(server.endpoint), {
    ...SLOW_BACKEND,
    defects: SECOND_SERVER_DEFECTS,
  });
}
