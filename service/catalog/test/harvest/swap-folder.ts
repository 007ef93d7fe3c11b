// A worker that puts a link to `outside` in the place of `folder` and takes it away again, over and over.
import { renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const { folder, outside, stop } = workerData as { folder: string; outside: string; stop: SharedArrayBuffer };
const flag = new Int32Array(stop);
let swaps = 0;
while (Atomics.load(flag, 0) === 0) {
  renameSync(folder, `${folder}.away`);
  symlinkSync(outside, folder);
  unlinkSync(folder);
  renameSync(`${folder}.away`, folder);
  swaps++;
}
parentPort?.postMessage(swaps);
