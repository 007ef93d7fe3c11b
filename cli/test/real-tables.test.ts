import { suite, test } from 'node:test';

import { checkRealTables } from './check-real-tables.ts';
import { LAKE_MISSING, LAKE_PROPERTY, temporaryFolder } from './support.ts';

suite('the five real tables on the embedded store', { skip: LAKE_MISSING }, () => {
  for (const way of ['the command line', 'HTTP'] as const)
    test(`registered over ${way}, served, and there at the same versions after a restart`, async () => {
      using folder = temporaryFolder();
      await checkRealTables(way, [
        '-D',
        LAKE_PROPERTY,
        '-D',
        `floecat.data-dir=${folder.path}/store`,
        '-D',
        'floecat.seed.enabled=false',
      ]);
    });
});
