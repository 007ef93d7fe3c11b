import { fromBinary } from '@bufbuild/protobuf';
import type { Envelope } from '@floecat/proto/envelope';
import { OwnerState as StoredState, RootBlobSchema } from '@floecat/proto/envelope';
import type { OwnerRef } from '@floecat/repository';
import { decodeRoot, isDropped, KINDS } from '@floecat/repository';
import type { Blob, OwnerState, Pointer } from '@floecat/storage-spi';
import { digestInUri, LOST_TAG, OWNER_STATES, StorageCorruptionError } from '@floecat/storage-spi';

import type { Transaction, TransactionPool } from './transaction-pool.ts';

/** Which of an owner's states one is. The write id alone tells it from every other. */
export interface RootId {
  readonly version: number;
  readonly writeId: string;
  /** SHA-256 of the root, hex. */
  readonly digest: string;
}

/** What a root blob says: a state that its owner has, or was to have. */
export interface Root extends RootId {
  readonly owner: OwnerRef;
  readonly uri: string;
  readonly incarnation: string;
  /** The state that it was written over; absent for a create. */
  readonly previous?: RootId;
  /** Epoch ms, by the writer's clock. */
  readonly timeMs: number;
  readonly state: OwnerState;
  /** The owner was dropped. */
  readonly isTombstone: boolean;
  /** Its row may be deleted from here on, and with it the owner ends. */
  readonly mayEnd: boolean;
  /** Keys of its name pointers, with their versions. */
  readonly names: readonly { readonly key: string; readonly version: number }[];
  readonly transaction: Transaction;
  /** URIs of the other blobs that it needs. */
  readonly references: readonly string[];
  /** For people. */
  readonly label: string;
  /** What it lies in. */
  readonly parent?: OwnerRef;
  /** Its writer, or a collector, said that no pointer leads to it. */
  readonly isLost: boolean;
}

/**
 * Reads a root. Throws `StorageCorruptionError` for bytes that are none of this owner, `StorageMisconfiguredError` for
 * one that a newer version wrote.
 */
export function parseRoot(owner: OwnerRef, blob: Blob, pool: TransactionPool): Root {
  const { uri, tags } = blob.header;
  const { envelope, state } = envelopeOf(owner, blob);
  const row = rowOf(owner, uri, state, envelope);
  const kind = KINDS[owner.collection];
  const root = decodeRoot(kind, owner, row, blob);
  const { previous } = envelope;
  const tombstone = isDropped(root) ? root.tombstone : undefined;
  const resource = isDropped(root) ? undefined : root.resource;
  const parent = resource && kind.parent(owner.account, resource);
  return {
    owner,
    uri,
    digest: digestInUri(uri) ?? '',
    version: row.version,
    writeId: row.writeId,
    incarnation: row.incarnation,
    ...(previous && {
      previous: {
        version: Number(previous.version),
        writeId: previous.writeId,
        digest: previous.digest,
      },
    }),
    timeMs: row.updatedAt,
    state,
    isTombstone: tombstone !== undefined,
    mayEnd:
      tombstone !== undefined &&
      // One that was staged and never published leaves no tombstone; its row is deleted.
      (state === 'TOMBSTONE' || (kind.isNamed && tombstone.names.length === 0)),
    names: envelope.names.map(({ key, version }) => ({ key, version: Number(version) })),
    transaction: pool.of(envelope),
    references: resource ? kind.references(resource) : [],
    label: resource ? kind.label(resource) : owner.id,
    ...(parent && { parent }),
    isLost: tags[LOST_TAG] === 'true',
  };
}

/** The canonical row that leads to a root: as it was, but for its time, which is the writer's. */
export function rowOfRoot(root: Root): Pointer {
  const { owner, uri, state, version, writeId, incarnation, previous, timeMs } = root;
  return {
    key: owner.key,
    version,
    kind: 'blob',
    blobUri: uri,
    state,
    writeId,
    ...(previous && { prevWriteId: previous.writeId }),
    incarnation,
    updatedAt: timeMs,
  };
}

function envelopeOf(
  owner: OwnerRef,
  { header: { uri }, bytes }: Blob,
): { readonly envelope: Envelope; readonly state: OwnerState } {
  const broken = (why: string, cause?: unknown): StorageCorruptionError =>
    new StorageCorruptionError(`${uri} ${why}`, { operation: 'read root', key: uri, cause });
  let envelope: Envelope | undefined;
  try {
    ({ envelope } = fromBinary(RootBlobSchema, bytes));
  } catch (cause) {
    throw broken('is no root: it does not parse', cause);
  }
  if (!envelope) throw broken('is no root: it has no envelope');
  if (envelope.owner !== owner.key) throw broken(`says that it belongs to ${envelope.owner}`);
  const state = OWNER_STATES.find((name) => StoredState[name] === envelope.state);
  if (!state || envelope.version < 1n || envelope.writeId === '' || envelope.incarnation === '')
    throw broken('has an envelope that is not whole');
  return { envelope, state };
}

function rowOf(owner: OwnerRef, uri: string, state: OwnerState, envelope: Envelope): Pointer {
  const { version, writeId, incarnation, timeMs } = envelope;
  return {
    key: owner.key,
    version: Number(version),
    kind: 'blob',
    blobUri: uri,
    state,
    writeId,
    incarnation,
    updatedAt: Number(timeMs),
  };
}
