import type { OwnerRef } from '@floecat/repository';
import type { BlobVersionListing, CallOptions, Pointer } from '@floecat/storage-spi';

/** What a walk finds of one owner. */
export interface OwnerEvidence {
  readonly owner: OwnerRef;
  /** Every version of every blob in its folder, by URI, then newest first. */
  readonly versions: readonly BlobVersionListing[];
  /** Its canonical pointer as the backup holds it. */
  readonly backup?: Pointer;
  /** Its canonical pointer as it is now. */
  readonly live?: Pointer;
}

/** Pointers as they were once: of a backup. */
export interface PointerSource {
  /** The pointer at `key`. */
  pointer(key: string, options?: CallOptions): Promise<Pointer | undefined>;

  /** Pointers whose key starts with `prefix` and is above `after`, in UTF-8 order of the keys. */
  pointers(prefix: string, after?: string, options?: CallOptions): AsyncIterable<Pointer>;
}
