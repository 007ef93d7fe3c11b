// Counts a pointer up: so many times, or for ever with `0`. Prints a line for each increment that was acknowledged.
import { writeSync } from 'node:fs';

import { openLocalStorage } from '@floecat/storage-local';

const [dataDir = '', key = '', times = '0'] = process.argv.slice(2);
const storage = await openLocalStorage({ dataDir });
const { pointers } = storage;
const wanted = times === '0' ? Infinity : Number(times);
for (let done = 0; done < wanted;) {
  const current = await pointers.get(key);
  const count = current?.kind === 'value' ? Number(current.value) : 0;
  const { applied } = await pointers.compareAndSet(key, current ?? 0, {
    kind: 'value',
    value: String(count + 1),
  });
  if (!applied) continue;
  done++;
  writeSync(1, '+');
}
await storage.close();
