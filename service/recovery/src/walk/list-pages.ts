import type { BlobVersionListing, Pointer, PointerStore } from '@floecat/storage-spi';

import type { RecoveryContext } from '../recovery-context.ts';
import { callOf } from '../recovery-context.ts';

/** Every blob version below `prefix`, by URI, then newest first. */
export async function* blobVersions(
  context: RecoveryContext,
  prefix: string,
): AsyncGenerator<BlobVersionListing> {
  const { blobs } = context.storage;
  const call = callOf(context);
  yield* pagesOf(async (pageToken) => {
    const { versions, nextPageToken } = await blobs.listVersions(prefix, { ...call, ...pageToken });
    return { items: versions, nextPageToken };
  });
}

/** Every pointer of `store` below `prefix`, in the order of the keys. */
export async function* pointersBelow(
  context: RecoveryContext,
  store: PointerStore,
  prefix: string,
): AsyncGenerator<Pointer> {
  const call = callOf(context);
  yield* pagesOf(async (pageToken) => {
    const { pointers, nextPageToken } = await store.listPointersByPrefix(prefix, { ...call, ...pageToken });
    return { items: pointers, nextPageToken };
  });
}

interface Page<T> {
  readonly items: readonly T[];
  readonly nextPageToken: string | undefined;
}

/** One page is read while the one before is used. */
async function* pagesOf<T>(
  read: (pageToken: { readonly pageToken?: string }) => Promise<Page<T>>,
): AsyncGenerator<T> {
  let ahead: Promise<Page<T>> | undefined = read({});
  while (ahead) {
    const page: Page<T> = await ahead;
    const { nextPageToken } = page;
    ahead = nextPageToken === undefined ? undefined : read({ pageToken: nextPageToken });
    // Its error is thrown where it is awaited, which may be never.
    ahead?.catch(() => undefined);
    yield* page.items;
  }
}
