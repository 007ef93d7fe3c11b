import type { Storage } from '@floecat/storage-spi';
import { StorageNotFoundError } from '@floecat/storage-spi';

/** The stores of a writer that breaks the carry-over rule: what is there already it does not put. */
export function skippingPuts(storage: Storage): Storage {
  const { blobs } = storage;
  const put: typeof blobs.put = async (uri, bytes, options = {}) => {
    const { signal } = options;
    try {
      return await blobs.head(uri, signal ? { signal } : {});
    } catch (error) {
      if (error instanceof StorageNotFoundError) return blobs.put(uri, bytes, options);
      throw error;
    }
  };
  const skipping = new Proxy(blobs, {
    get: (target, name) => (name === 'put' ? put : (Reflect.get(target, name, target) as unknown)),
  });
  return { ...storage, blobs: skipping };
}
