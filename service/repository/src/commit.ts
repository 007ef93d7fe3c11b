import type { BatchOperation, CallOptions, Pointer } from '@floecat/storage-spi';
import { checkBatch, InvalidArgumentError, mapBounded, MAX_BATCH_OPERATIONS } from '@floecat/storage-spi';

import type { BlobReceipt } from './blob-writer.ts';
import { BlobWriter } from './blob-writer.ts';
import type { Change } from './change.ts';
import type { PlannedChange, PlannedRoot } from './commit-plan.ts';
import { operationsOf, planRoots } from './commit-plan.ts';
import type { Conflict } from './errors.ts';
import { applyBatch } from './retry/apply-batch.ts';
import { mutation } from './retry/mutation.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { Dropped, Loaded } from './root-blob.ts';
import { mutationMeta } from './root-blob.ts';

const PUT_CONCURRENCY = 16;

/**
 * What else a transaction holds: checks, and writes of rows that are no owners, such as the record of an idempotent run.
 * Every envelope names those writes too. A function is called once the change is known, before each commit of it.
 */
export type Also = readonly BatchOperation[] | (() => Promise<readonly BatchOperation[]>);

export interface ChangeOptions extends CallOptions {
  readonly also?: Also | undefined;
}

export async function alsoOf(also: Also | undefined): Promise<readonly BatchOperation[]> {
  return typeof also === 'function' ? also() : (also ?? []);
}

export interface CommitOptions extends CallOptions {
  /** As {@link Also}, called for. */
  readonly also?: readonly BatchOperation[];
  /** Of the first attempt; default: a fresh one, as later attempts have. */
  readonly writeId?: string;
}

export type CommitResult =
  /** What each owner is now, in the order of the changes. */
  | { readonly applied: true; readonly roots: readonly (Loaded | Dropped)[] }
  | { readonly applied: false; readonly conflicts: readonly Conflict[] };

/**
 * Applies all changes, or none, on the conditions in `also`: blobs first, then one atomic move of the pointers, repeated
 * as `floecat.retry.*` allows. Each attempt has a write id and root blobs of its own. Throws `InvalidArgumentError`
 * before it stores anything where the transaction is over a limit of the store, `ChangeTooSlowError` where the blobs
 * might be collected before the commit, `StorageUnknownOutcomeError` where it may have been applied.
 */
export async function commit(
  context: RepositoryContext,
  changes: readonly Change[],
  options: CommitOptions = {},
): Promise<CommitResult> {
  refuseTooMany(changes, options.also ?? []);
  return mutation(context, options, (writing, call) =>
    commitWithin(writing, changes, { ...options, ...call }),
  );
}

async function commitWithin(
  context: RepositoryContext,
  changes: readonly Change[],
  { also = [], writeId: firstId = context.random.uuid(), ...call }: CommitOptions,
): Promise<CommitResult> {
  const { blobs } = context.storage;
  const planned = await withLostNames(context, changes, call);
  const plan = (writeId: string): Plan => {
    const roots = planRoots(context, planned, also, writeId);
    return {
      roots,
      operations: [...planned.flatMap((each, i) => operationsOf(each, roots[i]?.uri ?? '')), ...also],
    };
  };
  // Refused before anything is stored.
  checkBatch(plan(firstId).operations);

  const own = new BlobWriter(context);
  const writers = [own, ...changes.flatMap(({ writer }) => writer ?? [])];
  const payloads = changes.flatMap((change) => change.payloads);
  await mapBounded(payloads, PUT_CONCURRENCY, (payload) => own.put(payload, { keep: true, ...call }));

  const attempts = new Map<string, { readonly roots: readonly PlannedRoot[]; receipts: BlobReceipt[] }>();
  const end = await applyBatch(
    context,
    {
      prepare: async ({ writeId, signal }) => {
        const { roots, operations } = plan(writeId);
        const stored = { roots, receipts: [] as BlobReceipt[] };
        attempts.set(writeId, stored);
        const put = async (root: PlannedRoot, i: number): Promise<void> => {
          stored.receipts[i] = await own.putOnce(root, { keep: true, signal });
        };
        await mapBounded([...roots.entries()], PUT_CONCURRENCY, ([i, root]) => put(root, i));
        const tooSlow = writers.find((writer) => writer.isPastHalfGrace());
        if (tooSlow) throw tooSlow.tooSlow();
        return operations;
      },
      onLost: async (writeId) => {
        const { receipts = [] } = attempts.get(writeId) ?? {};
        attempts.delete(writeId);
        for (const { uri } of receipts.filter(Boolean)) own.forget(uri);
        // Best effort: it spares a rebuild a doubt, and decides nothing.
        await Promise.allSettled(receipts.map(({ uri, versionId }) => blobs.markLost(uri, versionId)));
      },
    },
    { ...call, writeId: firstId },
  );
  if (!end.applied) return end;
  for (const writer of writers) if (writer.isPastHalfGrace()) await writer.putMissing();
  const { roots = [], receipts = [] } = attempts.get(end.writeId) ?? {};
  // The canonical row of each change comes first of its rows, and those of the changes first of all.
  const rows = new Map(end.pointers.flatMap((pointer) => (pointer ? [[pointer.key, pointer]] : [])));
  return {
    applied: true,
    roots: changes.map(({ owner, content }, i) => {
      const pointer = rows.get(owner.key) as Pointer;
      const envelope = (roots[i] as PlannedRoot).envelope;
      return { owner, pointer, envelope, meta: mutationMeta(pointer, receipts[i]?.etag ?? ''), ...content };
    }),
  };
}

interface Plan {
  readonly roots: readonly PlannedRoot[];
  readonly operations: readonly BatchOperation[];
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
