import type { ReadOptions } from '@floecat/storage-spi';

import type { DamagedRow } from './load.ts';

/** Which page of a listing. Limits and tokens are the pointer store's own. */
export interface PageRequest extends ReadOptions {
  /** 1 to 1,000, default 1,000; more is clamped, less refused. */
  readonly limit?: number;
  readonly pageToken?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** What belongs on this page and cannot be told, with the reason; absent where all is well. */
  readonly damaged?: readonly DamagedRow[];
  /** The pointer store's token, byte for byte. Absent on the last page. */
  readonly nextPageToken?: string;
}

/** The same page with other items. */
export function pageOf<T>(
  items: readonly T[],
  { nextPageToken }: { readonly nextPageToken?: string },
  damaged: readonly DamagedRow[] = [],
): Page<T> {
  return {
    items,
    ...(damaged.length > 0 && { damaged }),
    ...(nextPageToken !== undefined && { nextPageToken }),
  };
}

/** What of a page request is for each read that the page needs. */
export function readsOf({ consistency, signal }: PageRequest): ReadOptions {
  return { ...(consistency && { consistency }), ...(signal && { signal }) };
}
