// A worker that puts a link to `outside` in the place of `folder` and takes it away again, over and over.
import { renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

const { folder, outside, shared } = workerData as {
  folder: string;
  outside: string;
  shared: SharedArrayBuffer;
};
const flag = new Int32Array(shared);
while (Atomics.load(flag, 0) === 0) {
  renameSync(folder, `${folder}.away`);
  symlinkSync(outside, folder);
  unlinkSync(folder);
  renameSync(`${folder}.away`, folder);
  Atomics.add(flag, 1, 1);
}
