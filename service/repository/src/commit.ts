import type { BatchOperation, BatchOutcome, CallOptions, Pointer } from '@floecat/storage-spi';
import { checkBatch, InvalidArgumentError, mapBounded, MAX_BATCH_OPERATIONS } from '@floecat/storage-spi';

import { BlobWriter } from './blob-writer.ts';
import type { Change } from './change.ts';
import type { PlannedChange } from './commit-plan.ts';
import { operationsOf, planRoots } from './commit-plan.ts';
import type { Conflict } from './errors.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { Dropped, Loaded } from './root-blob.ts';
import { mutationMeta } from './root-blob.ts';

const PUT_CONCURRENCY = 16;

export interface CommitOptions extends CallOptions {
  /**
   * What else the transaction holds: checks, and writes of rows that are no owners, such as the record of an idempotent
   * run. Every envelope names those writes too.
   */
  readonly also?: readonly BatchOperation[];
  /** Default: a fresh one. */
  readonly writeId?: string;
}

export type CommitResult =
  /** What each owner is now, in the order of the changes. */
  | { readonly applied: true; readonly roots: readonly (Loaded | Dropped)[] }
  | { readonly applied: false; readonly conflicts: readonly Conflict[] };

/**
 * Applies all changes, or none, on the conditions in `also`: blobs first, then one atomic move of the pointers. Throws
 * `InvalidArgumentError` before it stores anything where the transaction is over a limit of the store, and
 * `ChangeTooSlowError` where the blobs might be collected before the commit.
 */
export async function commit(
  context: RepositoryContext,
  changes: readonly Change[],
  options: CommitOptions = {},
): Promise<CommitResult> {
  const { pointers, blobs } = context.storage;
  const { also = [], writeId = context.random.uuid(), signal } = options;
  const call = signal ? { signal } : {};
  refuseTooMany(changes, also);
  const planned = await withLostNames(context, changes, call);
  const roots = planRoots(context, planned, also, writeId);
  const operations = [...planned.flatMap((each, i) => operationsOf(each, roots[i]?.uri ?? '')), ...also];
  checkBatch(operations);

  const own = new BlobWriter(context);
  const writers = [own, ...changes.flatMap(({ writer }) => writer ?? [])];
  const payloads = changes.flatMap((change) => change.payloads);
  await mapBounded(payloads, PUT_CONCURRENCY, (payload) => own.put(payload, { keep: true, ...call }));
  const receipts = await mapBounded(roots, PUT_CONCURRENCY, (root) => own.put(root, { keep: true, ...call }));
  const markLost = (): Promise<unknown> =>
    Promise.allSettled(receipts.map(({ uri, versionId }) => blobs.markLost(uri, versionId)));
  const tooSlow = writers.find((writer) => writer.isPastHalfGrace());
  if (tooSlow) {
    await markLost();
    throw tooSlow.tooSlow();
  }

  const result = await pointers.compareAndSetBatch(operations, { writeId, ...call });
  if (!result.applied) {
    await markLost();
    return { applied: false, conflicts: conflictsOf(operations, result.outcomes) };
  }
  for (const writer of writers) if (writer.isPastHalfGrace()) await writer.putMissing(call);
  const rows = new Map(operations.map(({ key }, i) => [key, result.pointers[i]]));
  return {
    applied: true,
    roots: changes.map(({ owner, content }, i) => {
      const pointer = rows.get(owner.key) as Pointer;
      const envelope = (roots[i] as (typeof roots)[number]).envelope;
      return { owner, pointer, envelope, meta: mutationMeta(pointer, receipts[i]?.etag ?? ''), ...content };
    }),
  };
}

/** Before any read or put: the store would refuse it only after. `further` checks are still to come. */
export function refuseTooMany(
  changes: readonly Change[],
  also: readonly BatchOperation[],
  further = 0,
): void {
  const rows = changes.reduce(
    (sum, { names, lostNames, rivals }) =>
      sum + 1 + names.filter(({ isNew }) => isNew).length + lostNames.length + rivals.length,
    also.length + further,
  );
  if (rows > MAX_BATCH_OPERATIONS)
    throw new InvalidArgumentError(
      `a transaction of ${changes.length} resources touches ${rows} rows; the limit is ${MAX_BATCH_OPERATIONS}: split it`,
      { operation: 'commit', key: changes[0]?.owner.key ?? '' },
    );
}

/**
 * The rows of the names that the changes give up. One that leads elsewhere is not theirs to delete; what is amiss there
 * is for `floecat verify`.
 */
async function withLostNames(
  { storage }: RepositoryContext,
  changes: readonly Change[],
  options: CallOptions,
): Promise<PlannedChange[]> {
  const keys = changes.flatMap((change) => change.lostNames);
  const rows = keys.length === 0 ? [] : await storage.pointers.getBatch(keys, options);
  const rowOf = new Map(keys.map((key, i) => [key, rows[i]]));
  return changes.map((change) => ({
    change,
    lost: change.lostNames.flatMap((key) => {
      const row = rowOf.get(key);
      return row?.kind === 'value' && row.value === change.owner.id ? [row] : [];
    }),
  }));
}

function conflictsOf(
  operations: readonly BatchOperation[],
  outcomes: readonly BatchOutcome[],
): readonly Conflict[] {
  return outcomes.flatMap((outcome, i) =>
    outcome.ok ? [] : [{ key: (operations[i] as BatchOperation).key, current: outcome.current }],
  );
}
