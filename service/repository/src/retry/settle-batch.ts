import type { BatchOperation, CallOptions, Pointer } from '@floecat/storage-spi';

import type { Conflict } from '../errors.ts';
import type { RepositoryContext } from '../repository-context.ts';
import type { WriteFate } from './settle-write.ts';
import { settleWrite } from './settle-write.ts';
import { traceWrite } from './trace-write.ts';

export type Upsert = BatchOperation & { readonly op: 'upsert' };

/** What the rows of a transaction prove about attempts at it. */
export type BatchFate =
  /** By the attempt with this write id. `rows` are as they are now, by key. */
  | { readonly fate: 'applied'; readonly writeId: string; readonly rows: ReadonlyMap<string, Pointer> }
  /** None was applied, and none ever will be: what refuses them. */
  | { readonly fate: 'lost'; readonly conflicts: readonly Conflict[] }
  /** None was applied so far; one may still be on its way. */
  | { readonly fate: 'pending' }
  | { readonly fate: 'unknown' };

/** Reads what attempts at a transaction would have written. One proving row proves it whole. */
export async function settleBatch(
  { storage }: Pick<RepositoryContext, 'storage'>,
  operations: readonly BatchOperation[],
  writeIds: readonly string[],
  options: CallOptions,
): Promise<BatchFate> {
  // What writes nothing was not applied, and is never late.
  if (!operations.some(({ op }) => op === 'upsert' || op === 'delete')) return { fate: 'pending' };
  const upserts = operations.filter((operation) => operation.op === 'upsert');
  const keys = upserts.map(({ key }) => key);
  const found = await storage.pointers.getBatch(keys, options);
  const rows = new Map(found.flatMap((row) => (row ? [[row.key, row]] : [])));
  const applied = (fate: WriteFate): BatchFate | undefined =>
    fate.fate === 'applied' ? { fate: 'applied', writeId: fate.writeId, rows } : undefined;

  const fates = upserts.map((upsert, i) => fateOf(upsert, found[i], writeIds));
  for (const fate of fates) {
    const proof = applied(fate);
    if (proof) return proof;
  }
  // A name that somebody took may be free again one day. What an owner was never will be again.
  const owners = upserts.some(isOwner);
  const telling = upserts.flatMap((upsert, i) =>
    owners && !isOwner(upsert) && upsert.expected === 0 ? [] : [{ upsert, now: found[i], fate: fates[i] }],
  );
  const lost = telling.filter(({ fate }) => fate?.fate === 'lost');
  if (lost.length > 0)
    return { fate: 'lost', conflicts: lost.map(({ upsert, now }) => ({ key: upsert.key, current: now })) };
  for (const { upsert, now, fate } of telling) {
    if (fate?.fate !== 'unknown') continue;
    const { expected } = upsert;
    if (!now || typeof expected === 'number') return { fate: 'unknown' };
    const traced = await traceWrite(storage.blobs, expected, now, writeIds, options);
    const proof = applied(traced);
    if (proof) return proof;
    if (traced.fate === 'lost') return { fate: 'lost', conflicts: [{ key: upsert.key, current: now }] };
    return { fate: 'unknown' };
  }
  return telling.length > 0 ? { fate: 'pending' } : { fate: 'unknown' };
}

/**
 * Whether what refused an operation will refuse it for good: a state that has passed never comes back, while a name may
 * be free again, and an owner that is closed may open.
 */
export function isForGood(operation: BatchOperation, current: Pointer | undefined): boolean {
  switch (operation.op) {
    case 'upsert':
    case 'delete':
    case 'check':
      return typeof operation.expected !== 'number';
    case 'check-owner':
      return current?.incarnation !== operation.incarnation;
    case 'check-absent':
      return false;
  }
}

function isOwner({ next }: Upsert): boolean {
  return next.state !== undefined;
}

function fateOf({ expected }: Upsert, now: Pointer | undefined, writeIds: readonly string[]): WriteFate {
  // A version alone does not say which row it was.
  if (typeof expected === 'number' && expected !== 0)
    return now && writeIds.includes(now.writeId)
      ? { fate: 'applied', writeId: now.writeId }
      : { fate: 'unknown' };
  return settleWrite(typeof expected === 'number' ? undefined : expected, now, writeIds);
}
