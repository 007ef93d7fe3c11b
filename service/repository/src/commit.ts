import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { create, toBinary } from '@bufbuild/protobuf';
import type { EffectSchema, Envelope } from '@floecat/proto/envelope';
import { EnvelopeSchema } from '@floecat/proto/envelope';
import type {
  BatchOperation,
  BatchOutcome,
  BatchResult,
  OwnerState,
  Pointer,
  WriteOptions,
} from '@floecat/storage-spi';
import { digestInUri, InvalidArgumentError, mapBounded } from '@floecat/storage-spi';

import type { Payload } from './blob-writer.ts';
import { BlobWriter, rootUri } from './blob-writer.ts';
import type { OwnerRef } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { ResourceKind } from './resource-kind.ts';
import type { Loaded } from './root-blob.ts';
import { ENVELOPE_FORMAT, encodeRoot, mutationMeta, storedState } from './root-blob.ts';

const PUT_CONCURRENCY = 16;

export type NameChange =
  | { readonly action: 'create'; readonly key: string }
  | { readonly action: 'keep'; readonly key: string; readonly version: number }
  | { readonly action: 'drop'; readonly expected: Pointer };

/** The next state of one owner. Made by {@link changeOf}. */
export interface Change<D extends DescMessage = DescMessage> {
  readonly owner: OwnerRef;
  readonly resource: MessageShape<D>;
  readonly previous: Loaded<D> | undefined;
  readonly state: OwnerState;
  readonly names: readonly NameChange[];
  /** Blobs that the commit is to put. */
  readonly payloads: readonly Payload[];
  /** Put blobs that the resource names before the commit. */
  readonly writer: BlobWriter | undefined;
  readonly message: { readonly type: string; readonly schemaVersion: number; readonly bytes: Uint8Array };
}

/**
 * The change that gives `owner` this resource and state. Without `previous` it is a create. What the resource
 * names must be put in this change (`payloads`, or before through `writer`) or carried over from the previous root.
 */
export function changeOf<D extends DescMessage>(
  kind: ResourceKind<D>,
  change: {
    readonly owner: OwnerRef;
    readonly resource: MessageShape<D>;
    readonly state: OwnerState;
    readonly previous?: Loaded<D>;
    readonly names?: readonly NameChange[];
    readonly payloads?: readonly Payload[];
    readonly writer?: BlobWriter;
  },
): Change<D> {
  const { owner, resource, previous, payloads = [], writer } = change;
  const known = new Set(payloads.map((payload) => payload.uri));
  if (previous) for (const uri of kind.references(previous.resource)) known.add(uri);
  for (const uri of kind.references(resource)) {
    if (!uri.startsWith(owner.blobPrefix)) throw refused(owner, `${uri} is a blob of another owner`);
    if (!known.has(uri) && writer?.has(uri) !== true)
      throw refused(owner, `${uri} is neither put in this change nor in the previous root`);
  }
  return {
    owner,
    resource,
    previous,
    state: change.state,
    names: change.names ?? [],
    payloads,
    writer,
    message: {
      type: kind.schema.typeName,
      schemaVersion: kind.schemaVersion,
      bytes: toBinary(kind.schema, resource),
    },
  };
}

function refused(owner: OwnerRef, why: string): InvalidArgumentError {
  return new InvalidArgumentError(`commit of ${owner.key}: ${why}`, { operation: 'commit', key: owner.key });
}

export type CommitResult<C extends readonly Change[]> =
  /** In the order of the changes: each as a reader finds it, without another read. */
  | {
      readonly applied: true;
      readonly loaded: { readonly [I in keyof C]: C[I] extends Change<infer D> ? Loaded<D> : never };
    }
  /** In the order of: per change its owner's row and its names, then the checks. */
  | { readonly applied: false; readonly conflicts: readonly { key: string; current: Pointer | undefined }[] };

/**
 * Applies all changes, or none, on condition of `checks`: blobs first, then one atomic move of the pointers.
 * Throws `ChangeTooSlowError` where the blobs might be collected before the commit.
 */
export async function commit<const C extends readonly Change[]>(
  context: RepositoryContext,
  changes: C,
  options: { readonly checks?: readonly BatchOperation[]; readonly signal?: AbortSignal } = {},
): Promise<CommitResult<C>> {
  const { blobs } = context.storage;
  const { checks = [], signal } = options;
  const call = signal ? { signal } : {};
  const writeId = context.random.uuid();
  const roots = buildRoots(context, changes, writeId);
  const own = new BlobWriter(context);
  const writers = [own, ...changes.flatMap(({ writer }) => writer ?? [])];

  const payloads = changes.flatMap((change) => change.payloads);
  await mapBounded(payloads, PUT_CONCURRENCY, (payload) => own.put(payload, { keep: true, ...call }));
  const receipts = await mapBounded(roots, PUT_CONCURRENCY, ({ blob }) =>
    own.put(blob, { keep: true, ...call }),
  );
  const markLost = (): Promise<unknown> =>
    Promise.allSettled(receipts.map(({ uri, versionId }) => blobs.markLost(uri, versionId)));
  const tooSlow = writers.find((writer) => writer.isPastHalfGrace());
  if (tooSlow) {
    await markLost();
    throw tooSlow.tooSlow();
  }

  const operations = [
    ...changes.flatMap((change, i) => operationsOf(change, (roots[i] as Root).blob.uri)),
    ...checks,
  ];
  const result = await movePointers(context, operations, { writeId, ...call });
  if (!result.applied) {
    await markLost();
    return { applied: false, conflicts: conflictsOf(operations, result.outcomes) };
  }
  for (const writer of writers) if (writer.isPastHalfGrace()) await writer.putMissing(call);

  const loaded = changes.map(({ owner, resource }, i): Loaded => {
    const pointer = result.pointers[operations.findIndex(({ key }) => key === owner.key)] as Pointer;
    const { envelope } = roots[i] as Root;
    return { owner, resource, pointer, envelope, meta: mutationMeta(pointer, receipts[i]?.etag ?? '') };
  });
  return { applied: true, loaded } as unknown as CommitResult<C>;
}

/** One pointer moves by a compare-and-set, which costs a store less than a transaction of one. */
async function movePointers(
  { storage: { pointers } }: RepositoryContext,
  operations: readonly BatchOperation[],
  options: WriteOptions,
): Promise<BatchResult> {
  const [only, ...others] = operations;
  if (only?.op !== 'upsert' || others.length > 0) return pointers.compareAndSetBatch(operations, options);
  const result = await pointers.compareAndSet(only.key, only.expected, only.next, options);
  return result.applied
    ? { applied: true, pointers: [result.pointer] }
    : { applied: false, outcomes: [{ ok: false, current: result.current }] };
}

interface Root {
  readonly envelope: Envelope;
  readonly blob: Payload;
}

function buildRoots(context: RepositoryContext, changes: readonly Change[], writeId: string): Root[] {
  const transaction = changes.flatMap(effectsOf);
  return changes.map((change) => {
    const { owner, previous, message } = change;
    const envelope = create(EnvelopeSchema, {
      format: ENVELOPE_FORMAT,
      kind: owner.collection,
      messageType: message.type,
      schemaVersion: message.schemaVersion,
      storeId: context.storage.layout.storeId,
      owner: owner.key,
      incarnation: previous?.pointer.incarnation ?? writeId,
      version: BigInt(nextVersion(change)),
      writeId,
      ...(previous && {
        previous: {
          version: BigInt(previous.pointer.version),
          writeId: previous.pointer.writeId,
          digest: digestInUri(previous.meta.blobUri) ?? '',
        },
      }),
      timeMs: BigInt(context.clock.now()),
      transaction,
      names: change.names.flatMap((name) => {
        if (name.action === 'drop') return [];
        return { key: name.key, version: BigInt(name.action === 'create' ? 1 : name.version) };
      }),
      state: storedState(change.state),
    });
    const bytes = encodeRoot(envelope, message.bytes);
    return { envelope, blob: { uri: rootUri(owner, bytes), bytes, message: 'floecat.v1.RootBlob' } };
  });
}

function nextVersion(change: Change): number {
  return (change.previous?.pointer.version ?? 0) + 1;
}

function effectsOf(change: Change): MessageInitShape<typeof EffectSchema>[] {
  const own = { key: change.owner.key, version: BigInt(nextVersion(change)) };
  const names = change.names.flatMap((name): MessageInitShape<typeof EffectSchema>[] => {
    if (name.action === 'keep') return [];
    if (name.action === 'drop') return [{ key: name.expected.key, version: 0n }];
    return [{ key: name.key, version: 1n, target: { case: 'value', value: change.owner.id } }];
  });
  return [own, ...names];
}

function operationsOf(change: Change, root: string): BatchOperation[] {
  const { owner, previous, state } = change;
  const own: BatchOperation = {
    op: 'upsert',
    key: owner.key,
    expected: previous?.pointer ?? 0,
    next: { kind: 'blob', blobUri: root, state },
  };
  const names = change.names.flatMap((name): BatchOperation[] => {
    if (name.action === 'keep') return [];
    if (name.action === 'drop') return [{ op: 'delete', key: name.expected.key, expected: name.expected }];
    return [{ op: 'upsert', key: name.key, expected: 0, next: { kind: 'value', value: owner.id } }];
  });
  return [own, ...names];
}

function conflictsOf(
  operations: readonly BatchOperation[],
  outcomes: readonly BatchOutcome[],
): { key: string; current: Pointer | undefined }[] {
  return outcomes.flatMap((outcome, i) =>
    outcome.ok ? [] : [{ key: (operations[i] as BatchOperation).key, current: outcome.current }],
  );
}
