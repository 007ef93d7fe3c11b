import { createHash } from 'node:crypto';

import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Envelope, Tombstone } from '@floecat/proto/envelope';
import { OwnerState as StoredState, RootBlobSchema, TombstoneSchema } from '@floecat/proto/envelope';
import type { Blob, OwnerState, Pointer } from '@floecat/storage-spi';
import { StorageCorruptionError, StorageMisconfiguredError } from '@floecat/storage-spi';

import type { OwnerRef } from './pointer-keys.ts';
import type { ResourceKind } from './resource-kind.ts';

export const ENVELOPE_FORMAT = 1;

export function storedState(state: OwnerState): StoredState {
  return StoredState[state];
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What the store answers after each mutation. */
export interface MutationMeta {
  readonly pointerKey: string;
  readonly blobUri: string;
  readonly version: number;
  /** Base64 SHA-256 of the root blob. */
  readonly etag: string;
  /** Epoch milliseconds, by the store's clock. */
  readonly time: number;
}

/** What a canonical pointer leads to. */
interface Root {
  readonly owner: OwnerRef;
  readonly pointer: Pointer;
  readonly envelope: Envelope;
  readonly meta: MutationMeta;
}

/** A resource as it was read: with the pointer that led to it and the envelope of its root. */
export interface Loaded<D extends DescMessage = DescMessage> extends Root {
  readonly resource: MessageShape<D>;
}

/** What is left of an owner that was dropped: a tombstone, or, in state DELETING, one that is still taken apart. */
export interface Dropped extends Root {
  readonly tombstone: Tombstone;
}

export function isDropped(root: Loaded | Dropped): root is Dropped {
  return 'tombstone' in root;
}

/**
 * Whether a reader sees it: it is live, or closed to new children while somebody looks whether it has any. What is
 * STAGED has no name yet; what was dropped is gone.
 */
export function isPresent(root: Loaded | Dropped): root is Loaded {
  return !isDropped(root) && (root.pointer.state === 'LIVE' || root.pointer.state === 'DELETING');
}

export function mutationMeta(pointer: Pointer, etag: string): MutationMeta {
  const blobUri = pointer.kind === 'blob' ? pointer.blobUri : '';
  return { pointerKey: pointer.key, blobUri, version: pointer.version, etag, time: pointer.updatedAt };
}

/** Parses the root blob that `pointer` leads to and checks that they belong together. */
export function decodeRoot<D extends DescMessage>(
  kind: ResourceKind<D>,
  owner: OwnerRef,
  pointer: Pointer,
  blob: Blob,
): Loaded<D> | Dropped {
  const uri = blob.header.uri;
  const broken = (why: string, cause?: unknown): StorageCorruptionError =>
    new StorageCorruptionError(`${pointer.key} leads to ${uri}, ${why}: run floecat verify`, {
      operation: 'load',
      key: pointer.key,
      cause,
    });
  const { envelope, resource } = parse(() => fromBinary(RootBlobSchema, blob.bytes), broken);
  if (!envelope) throw broken('which has no envelope');
  if (envelope.format > ENVELOPE_FORMAT || envelope.schemaVersion > kind.schemaVersion)
    throw new StorageMisconfiguredError(
      `${uri} was written by a newer version (envelope format ${envelope.format}, schema ${envelope.schemaVersion}): upgrade`,
      { operation: 'load', key: pointer.key },
    );
  const type = envelope.messageType;
  const dropped = type === TombstoneSchema.typeName;
  if (type !== kind.schema.typeName && !dropped) throw broken(`which holds a ${type}`);
  if (envelope.owner !== pointer.key) throw broken(`which belongs to ${envelope.owner}`);
  if (envelope.version !== BigInt(pointer.version) || envelope.writeId !== pointer.writeId)
    throw broken(`which is version ${envelope.version} of another write`);
  const root = { owner, pointer, envelope, meta: mutationMeta(pointer, blob.header.etag) };
  return dropped
    ? { ...root, tombstone: parse(() => fromBinary(TombstoneSchema, resource), broken) }
    : { ...root, resource: parse(() => fromBinary(kind.schema, resource), broken) };
}

export function encodeRoot(envelope: Envelope, resource: Uint8Array): Uint8Array {
  return toBinary(RootBlobSchema, { $typeName: 'floecat.v1.RootBlob', envelope, resource });
}

function parse<T>(read: () => T, broken: (why: string, cause: unknown) => StorageCorruptionError): T {
  try {
    return read();
  } catch (cause) {
    throw broken('which does not parse', cause);
  }
}
