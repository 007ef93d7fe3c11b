// Opens the store and prints, as JSON, its layout or the code and message of the error.
import { openLocalStorage } from '@floecat/storage-local';

const [dataDir = ''] = process.argv.slice(2);
try {
  await using storage = await openLocalStorage({ dataDir });
  process.stdout.write(JSON.stringify(storage.layout));
} catch (error) {
  const { code, message } = error as Error & { code?: string };
  process.stdout.write(JSON.stringify({ code, message }));
}
