// For each folder given: opens the store, reads every pointer, and prints one line of JSON with what came of it.
import { openLocalStorage } from '@floecat/storage-local';

for (const dataDir of process.argv.slice(2)) {
  try {
    await using storage = await openLocalStorage({ dataDir });
    const { pointers } = storage;
    const count = await pointers.countByPrefix('');
    const { pointers: page } = await pointers.listPointersByPrefix('', { limit: 1000 });
    for (const { key } of page) await pointers.get(key);
    process.stdout.write(JSON.stringify({ dataDir, count }) + '\n');
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    process.stdout.write(JSON.stringify({ dataDir, code, message }) + '\n');
  }
}
