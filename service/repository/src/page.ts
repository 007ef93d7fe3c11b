import type { CallOptions } from '@floecat/storage-spi';

/** Which page of a listing. Limits and tokens are the pointer store's own. */
export interface PageRequest extends CallOptions {
  /** 1 to 1,000, default 1,000; more is clamped, less refused. */
  readonly limit?: number;
  readonly pageToken?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** The pointer store's token, byte for byte. Absent on the last page. */
  readonly nextPageToken?: string;
}

/** The same page with other items. */
export function pageOf<T>(
  items: readonly T[],
  { nextPageToken }: { readonly nextPageToken?: string },
): Page<T> {
  return nextPageToken === undefined ? { items } : { items, nextPageToken };
}
