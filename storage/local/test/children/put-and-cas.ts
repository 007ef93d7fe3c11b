// Puts a blob of a new owner, points to it, and only then says so. `BEGIN` and `ACK` stand in the system-call trace.
import { writeSync } from 'node:fs';

import { openLocalStorage } from '@floecat/storage-local';

const [dataDir = '', flush = 'true'] = process.argv.slice(2);
await using storage = await openLocalStorage({ dataDir, flush: flush === 'true' });
writeSync(1, 'BEGIN\n');
const { uri } = await storage.blobs.put('/accounts/a/tables/t/root.pb', Buffer.from('bytes of the blob'));
const { applied } = await storage.pointers.compareAndSet('/accounts/a/tables/by-id/t', 0, {
  kind: 'blob',
  blobUri: uri,
});
if (!applied) throw new Error('the compare-and-set was not applied');
writeSync(1, 'ACK\n');
