// Restores the newest backup of a folder into an empty table, and prints a line before each store call, until it is done or
// killed.
import { writeSync } from 'node:fs';

import { findBackup, FolderTarget, openBackup, restore, restoredBackup } from '@floecat/recovery';
import { openLocalStorage } from '@floecat/storage-local';
import { systemClock, systemRandom } from '@floecat/storage-spi';

import { interceptCalls } from '../../../../repository/test/support/store-calls.ts';

const [dataDir = '', folder = ''] = process.argv.slice(2);
await using real = await openLocalStorage({ dataDir, adopt: true, flush: false });
await using target = new FolderTarget(folder);
const storage = interceptCalls(real, ({ name }, proceed) => {
  writeSync(1, `${name}\n`);
  return proceed();
});
const found = await findBackup(target);
const backup = restoredBackup(await openBackup(target, found?.id ?? ''));
await restore({ storage, clock: systemClock, random: systemRandom }, { backup });
writeSync(1, 'done\n');
