// Takes a backup, or goes on with one, and prints a line whenever it got further, until it is done or killed. What a
// process that is killed has written is there without a flush, too.
import { writeSync } from 'node:fs';

import { createBackup, FolderTarget } from '@floecat/recovery';
import { openLocalStorage } from '@floecat/storage-local';
import { systemClock, systemRandom } from '@floecat/storage-spi';

const [dataDir = '', folder = '', since = '', resume = ''] = process.argv.slice(2);
await using storage = await openLocalStorage({ dataDir, flush: false });
await using target = new FolderTarget(folder);
const context = {
  storage,
  clock: systemClock,
  random: systemRandom,
  onProgress: ({ done }: { readonly done: number }) => void writeSync(1, `at ${done}\n`),
};
const { id } = await createBackup(context, target, {
  segmentLines: 150,
  pageSize: 100,
  ...(since !== '' && { since }),
  ...(resume !== '' && { resume }),
  onRegistered: (registered) => void writeSync(1, `registered ${registered}\n`),
});
writeSync(1, `done ${id}\n`);
