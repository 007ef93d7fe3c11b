import type { Pointer } from '@floecat/storage-spi';

/** A write of one row, as much as settling needs. */
export interface IntendedWrite {
  readonly writeId: string;
  /** What it replaces or deletes; `undefined` for a create. */
  readonly replaced: Pointer | undefined;
  readonly deletes: boolean;
}

/**
 * What a row proves about a write that was refused after an earlier attempt of it may have been applied. `found` is
 * the row that the refusal brought back; no row proves nothing.
 */
export function settle(found: Pointer | undefined, write: IntendedWrite): 'applied' | 'conflict' | 'unknown' {
  if (!found) return 'unknown';
  const { writeId, replaced, deletes } = write;
  const made = (replaced?.version ?? 0) + 1;
  if (!deletes) {
    // The versions guard against a caller who gave one write id to two writes of the key.
    if (found.writeId === writeId && found.version === made) return 'applied';
    if (found.prevWriteId === writeId && found.version === made + 1) return 'applied';
    if (!replaced && found.incarnation === writeId) return 'applied';
  }
  // Another's row proves nothing about a create: ours may have been there before it, and been deleted in between.
  // Versions only grow within an incarnation, and ours would have been the one after what it replaced.
  if (replaced && found.incarnation === replaced.incarnation && found.version <= made) return 'conflict';
  return 'unknown';
}
