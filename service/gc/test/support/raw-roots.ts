import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, toBinary } from '@bufbuild/protobuf';
import { EnvelopeSchema, RootBlobSchema } from '@floecat/proto/envelope';
import { TableSchema } from '@floecat/proto/resources';
import type { OwnerRef } from '@floecat/repository';
import { ownerById, payloadUri, rootUri } from '@floecat/repository';
import type { Pointer, Storage } from '@floecat/storage-spi';

/** A blob of `owner`, by hand. Answers its URI. */
export async function putPayload(storage: Storage, owner: OwnerRef, text: string): Promise<string> {
  const bytes = Buffer.from(text);
  const uri = payloadUri(owner, 'metadata', bytes);
  await storage.blobs.put(uri, bytes);
  return uri;
}

/** Bytes that look like a root, but nothing leads there. Answers its URI. */
export async function putStrayRoot(storage: Storage, owner: OwnerRef, text: string): Promise<string> {
  const bytes = Buffer.from(`stray ${text}`);
  const uri = rootUri(owner, bytes);
  await storage.blobs.put(uri, bytes);
  return uri;
}

/**
 * Writes a table by hand: its root, with these references and with whatever of the envelope is to be wrong, then its
 * canonical pointer. None of the repository's checks stand between.
 */
export async function writeTable(
  storage: Storage,
  options: {
    readonly account?: string;
    readonly id: string;
    readonly references?: readonly string[];
    readonly over?: Pointer;
    readonly envelope?: MessageInitShape<typeof EnvelopeSchema>;
    readonly resource?: Uint8Array;
    readonly writeId: string;
  },
): Promise<Pointer> {
  const { account = 'acme', id, references = [], over, writeId } = options;
  const owner = ownerById(account, 'tables', id);
  const table = create(TableSchema, { id, metadata: references.map((uri) => ({ uri, size: 1n })) });
  const envelope = create(EnvelopeSchema, {
    format: 1,
    kind: 'tables',
    messageType: TableSchema.typeName,
    schemaVersion: 1,
    storeId: storage.layout.storeId,
    owner: owner.key,
    incarnation: over?.incarnation ?? writeId,
    version: BigInt((over?.version ?? 0) + 1),
    writeId,
    ...options.envelope,
  });
  const resource = options.resource ?? toBinary(TableSchema, table);
  const bytes = toBinary(RootBlobSchema, create(RootBlobSchema, { envelope, resource }));
  const uri = rootUri(owner, bytes);
  await storage.blobs.put(uri, bytes, { message: RootBlobSchema.typeName });
  const result = await storage.pointers.compareAndSet(
    owner.key,
    over ?? 0,
    { kind: 'blob', blobUri: uri, state: 'LIVE' },
    { writeId },
  );
  if (!result.applied) throw new Error(`${owner.key} was changed meanwhile`);
  return result.pointer;
}
