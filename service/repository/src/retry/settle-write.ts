import type { Pointer } from '@floecat/storage-spi';

/** What a row proves about a write whose outcome is unknown. */
export type WriteFate =
  /** It was applied, by the attempt with this write id. */
  | { readonly fate: 'applied'; readonly writeId: string }
  /** It was not, and never will be: what it builds on is gone. */
  | { readonly fate: 'lost' }
  /** The row is as before, so an attempt may still be on its way; repeating it against the same row is safe. */
  | { readonly fate: 'pending' }
  /** The row has moved on further than it tells. */
  | { readonly fate: 'unknown' };

/**
 * What `now` proves about attempts to write over `before` (`undefined`: to create), each under one of `writeIds`.
 * A row remembers the write that made it, the one before, and the one that created it.
 */
export function settleWrite(
  before: Pointer | undefined,
  now: Pointer | undefined,
  writeIds: readonly string[],
): WriteFate {
  const own = [now?.writeId, now?.prevWriteId, before ? undefined : now?.incarnation].find(
    (id) => id !== undefined && writeIds.includes(id),
  );
  if (own !== undefined) return { fate: 'applied', writeId: own };
  if (now?.writeId === before?.writeId && now?.version === before?.version) return { fate: 'pending' };
  // A create that finds another's row: ours can have been there only before that, and gone again.
  if (!before) return { fate: 'lost' };
  // Dropped since, or dropped and made again: by somebody who built on what was there before ours, or on ours.
  if (!now || now.incarnation !== before.incarnation) return { fate: 'unknown' };
  // The row of version `before + 1` is not ours if this is it, or if this one was written over it.
  return now.version <= before.version + 2 ? { fate: 'lost' } : { fate: 'unknown' };
}
