// Four writers: each puts a blob and moves two pointers to it in one transaction, prints the number of what was
// acknowledged, and goes on until it is killed.
import { writeSync } from 'node:fs';

import { openLocalStorage } from '@floecat/storage-local';

const [dataDir = '', round = ''] = process.argv.slice(2);
const { blobs, pointers } = await openLocalStorage({ dataDir });
let next = 0;
const writer = async (): Promise<void> => {
  for (;;) {
    const i = next++;
    const name = `/r${round}/${i}`;
    const blobUri = `/accounts/a${name}/root.pb`;
    await blobs.put(blobUri, Buffer.from(`bytes of ${name} `.repeat(50)));
    const { applied } = await pointers.compareAndSetBatch([
      { op: 'upsert', key: `/one${name}`, expected: 0, next: { kind: 'blob', blobUri } },
      { op: 'upsert', key: `/two${name}`, expected: 0, next: { kind: 'blob', blobUri } },
    ]);
    if (!applied) throw new Error(`${name} was not applied`);
    writeSync(1, `${i}\n`);
  }
};
await Promise.all([writer(), writer(), writer(), writer()]);
