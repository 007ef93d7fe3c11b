// Sets one pointer to a value, whatever it was.
import { openLocalStorage } from '@floecat/storage-local';

const [dataDir = '', key = '', value = ''] = process.argv.slice(2);
await using storage = await openLocalStorage({ dataDir });
const { applied } = await storage.pointers.compareAndSet(key, (await storage.pointers.get(key)) ?? 0, {
  kind: 'value',
  value,
});
if (!applied) process.exitCode = 1;
