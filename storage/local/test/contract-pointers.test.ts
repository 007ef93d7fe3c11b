import {
  pointerContract,
  registerContract,
  SLOW_BACKEND,
  systemApartCases,
  systemContract,
  systemRows,
  wrapFixture,
} from '@floecat/storage-testkit';

import { openLocalFixture } from './local-fixture.ts';

registerContract('pointers on local', pointerContract, openLocalFixture, SLOW_BACKEND);
registerContract('pointers and system rows on local', systemApartCases, openLocalFixture, SLOW_BACKEND);
registerContract(
  'system rows on local',
  systemContract,
  async () => wrapFixture(await openLocalFixture(), systemRows),
  SLOW_BACKEND,
);
