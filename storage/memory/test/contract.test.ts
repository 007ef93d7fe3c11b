import {
  blobContract,
  pointerContract,
  registerContract,
  secretsContract,
  systemApartCases,
  systemContract,
  systemRows,
  wrapFixture,
} from '@floecat/storage-testkit';

import { openFixtureOf, openMemoryFixture, sharedFixtures } from './memory-fixture.ts';

registerContract('pointers on memory', pointerContract, openMemoryFixture);
registerContract('blobs on memory', blobContract, openMemoryFixture);
registerContract('secrets on memory', secretsContract, openMemoryFixture);

registerContract('system rows on memory', systemContract, async () =>
  wrapFixture(await openMemoryFixture(), systemRows),
);

// Only for what the cases above lack; the wrappers add nothing to that.
const alone = { wrappers: [] };
registerContract('pointers on memory that outlives its clients', pointerContract, openFixtureOf, alone);
registerContract('pointers and system rows on memory', systemApartCases, openFixtureOf, alone);
registerContract('blobs on memory that outlives its clients', blobContract, openFixtureOf, alone);
registerContract('secrets on memory that outlives its clients', secretsContract, openFixtureOf, alone);

const openShared = sharedFixtures();
registerContract('pointers on shared memory', pointerContract, openShared, alone);
registerContract('blobs on shared memory', blobContract, openShared, alone);
registerContract('secrets on shared memory', secretsContract, openShared, alone);
