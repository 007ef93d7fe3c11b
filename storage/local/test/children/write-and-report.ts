// Writes five pointers or blobs one after another, then reads, and prints what came of each as a line of JSON.
import { openLocalStorage } from '@floecat/storage-local';

const [dataDir = '', what = 'pointers', tag = ''] = process.argv.slice(2);
const report = async (call: string, body: () => Promise<unknown>): Promise<void> => {
  let code = 'ok';
  try {
    await body();
  } catch (error) {
    code = (error as { code?: string }).code ?? String(error);
  }
  process.stdout.write(JSON.stringify({ call, code }) + '\n');
};

const storage = await openLocalStorage({ dataDir });
for (let i = 0; i < 5; i++) {
  const name = `/${tag}/${i}`;
  await report(`write ${name}`, () =>
    what === 'pointers'
      ? storage.pointers.compareAndSet(name, 0, { kind: 'value', value: name })
      : storage.blobs.put(name, Buffer.from(name)),
  );
}
await report('read', () =>
  what === 'pointers' ? storage.pointers.get(`/${tag}/0`) : storage.blobs.get(`/${tag}/0`),
);
await report('close', () => storage.close());
