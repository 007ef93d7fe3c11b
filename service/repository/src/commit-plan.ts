import type { MessageInitShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import type { EffectSchema, Envelope } from '@floecat/proto/envelope';
import { EnvelopeSchema } from '@floecat/proto/envelope';
import type { BatchOperation, Pointer } from '@floecat/storage-spi';
import { digestInUri } from '@floecat/storage-spi';

import type { Payload } from './blob-writer.ts';
import { rootUri } from './blob-writer.ts';
import type { Change } from './change.ts';
import type { RepositoryContext } from './repository-context.ts';
import { ENVELOPE_FORMAT, encodeRoot, storedState } from './root-blob.ts';

/** A change with the rows of the names that it loses, as they were read for this commit. */
export interface PlannedChange {
  readonly change: Change;
  readonly lost: readonly Pointer[];
}

/** A root blob, as it is to be put, with its envelope. */
export interface PlannedRoot extends Payload {
  readonly envelope: Envelope;
}

/** The root blobs of one transaction: each envelope names every row that the transaction writes. */
export function planRoots(
  context: RepositoryContext,
  planned: readonly PlannedChange[],
  also: readonly BatchOperation[],
  writeId: string,
): PlannedRoot[] {
  const transaction = [...planned.flatMap(effectsOf), ...also.flatMap(effectOf)];
  // One time for all of them: what is brought back as of a time comes whole.
  const timeMs = BigInt(context.clock.now());
  return planned.map(({ change }) => {
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
      timeMs,
      transaction,
      names: change.names.map(({ key, version }) => ({ key, version: BigInt(version) })),
      state: storedState(change.state),
    });
    const bytes = encodeRoot(envelope, message.bytes);
    return { uri: rootUri(owner, bytes), bytes, message: 'floecat.v1.RootBlob', envelope };
  });
}

/** What the pointer store is asked for one change: first its canonical row, then its names. */
export function operationsOf({ change, lost }: PlannedChange, root: string): BatchOperation[] {
  const { owner, previous, state } = change;
  return [
    {
      op: 'upsert',
      key: owner.key,
      expected: previous?.pointer ?? 0,
      next: { kind: 'blob', blobUri: root, state },
    },
    ...change.names.flatMap(({ key, isNew }): BatchOperation[] =>
      isNew ? [{ op: 'upsert', key, expected: 0, next: { kind: 'value', value: owner.id } }] : [],
    ),
    ...lost.map((row): BatchOperation => ({ op: 'delete', key: row.key, expected: row })),
    ...change.rivals.map((key): BatchOperation => ({ op: 'check-absent', key })),
  ];
}

function nextVersion({ previous }: Change): number {
  return (previous?.pointer.version ?? 0) + 1;
}

type EffectInit = MessageInitShape<typeof EffectSchema>;

function effectsOf({ change, lost }: PlannedChange): EffectInit[] {
  return [
    { key: change.owner.key, version: BigInt(nextVersion(change)) },
    ...change.names.flatMap(({ key, isNew }): EffectInit[] =>
      isNew ? [{ key, version: 1n, target: { case: 'value', value: change.owner.id } }] : [],
    ),
    ...lost.map(({ key }): EffectInit => ({ key, version: 0n })),
  ];
}

/** What a row beside the owners becomes; a check changes nothing. */
function effectOf(operation: BatchOperation): EffectInit[] {
  const { key } = operation;
  if (operation.op === 'delete') return [{ key, version: 0n }];
  if (operation.op !== 'upsert') return [];
  const { expected, next } = operation;
  const version = BigInt((typeof expected === 'number' ? expected : expected.version) + 1);
  const target =
    next.kind === 'blob'
      ? ({ case: 'blobUri', value: next.blobUri } as const)
      : ({ case: 'value', value: next.value } as const);
  return [{ key, version, target }];
}
