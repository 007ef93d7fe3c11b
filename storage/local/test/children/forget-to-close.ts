// Writes without waiting in any other way, and never closes.
import { openLocalStorage } from '@floecat/storage-local';

const storage = await openLocalStorage({ dataDir: process.argv[2] ?? '' });
const { applied } = await storage.pointers.compareAndSet('/k', 0, { kind: 'value', value: 'v' });
process.stdout.write(applied ? 'applied' : 'not applied');
