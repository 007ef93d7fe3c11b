import { after, test } from 'node:test';

import { registerContract, secretsContract, SLOW_BACKEND } from '@floecat/storage-testkit';

import { startEndpoint } from '../s3/endpoint.ts';
import { openSecretsFixture } from './secrets-fixture.ts';

const endpoint = await startEndpoint();
if ('skip' in endpoint) test('contract secrets on Secrets Manager', { skip: endpoint.skip });
else {
  after(() => endpoint[Symbol.asyncDispose]());
  registerContract(
    'secrets on Secrets Manager',
    secretsContract,
    () => openSecretsFixture(endpoint.endpoint),
    SLOW_BACKEND,
  );
}
