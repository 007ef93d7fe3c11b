// Ends the process, as SIGKILL would, at the nth time that a step of a durable write comes. Prints what was
// acknowledged until then. The steps of opening the store count too.
import { writeSync } from 'node:fs';

import { openLocalStorage } from '@floecat/storage-local';

const [dataDir = '', step = '', nth = '1'] = process.argv.slice(2);
let left = Number(nth);
const { blobs, pointers, secrets } = await openLocalStorage({
  dataDir,
  onStep: (name) => {
    if (name === step && --left === 0) process.kill(process.pid, 'SIGKILL');
  },
});
const acknowledge = (what: string): number => writeSync(1, `${what}\n`);
const ref = { account: 'a', type: 't', id: 'i' };
for (const i of [1, 2]) {
  const blobUri = `/accounts/a/t/${i}.bin`;
  await blobs.put(blobUri, Buffer.from(`blob ${i}`));
  acknowledge(`put ${i}`);
  await pointers.compareAndSet(`/p/${i}`, 0, { kind: 'blob', blobUri });
  acknowledge(`cas ${i}`);
  await secrets.put({ ...ref, id: `${i}` }, Buffer.from(`secret ${i}`));
  acknowledge(`secret ${i}`);
}
await blobs.put('/accounts/a/gone.bin', Buffer.from('gone'));
acknowledge('put gone');
await blobs.delete('/accounts/a/gone.bin');
acknowledge('delete gone');
