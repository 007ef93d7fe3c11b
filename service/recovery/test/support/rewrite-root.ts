import { randomUUID } from 'node:crypto';

import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Envelope } from '@floecat/proto/envelope';
import { RootBlobSchema } from '@floecat/proto/envelope';
import { rootUri, shapeOfKey } from '@floecat/repository';
import type { Pointer, Storage } from '@floecat/storage-spi';

/**
 * Writes the next version of an owner by hand: the envelope and the resource of the current one, with what `change` does to
 * them. None of the repository's checks stand between.
 */
export async function rewriteRoot<D extends DescMessage>(
  storage: Storage,
  row: Pointer,
  schema: D,
  change: (envelope: Envelope, resource: MessageShape<D>) => void,
): Promise<Pointer> {
  const shape = shapeOfKey(row.key);
  if (shape?.is !== 'canonical' || row.kind !== 'blob') throw new Error(`${row.key} is no owner`);
  const { bytes } = await storage.blobs.get(row.blobUri);
  const root = fromBinary(RootBlobSchema, bytes);
  if (!root.envelope) throw new Error(`${row.blobUri} has no envelope`);
  const resource = fromBinary(schema, root.resource);
  const writeId = randomUUID();
  root.envelope.writeId = writeId;
  root.envelope.version = BigInt(row.version + 1);
  change(root.envelope, resource);
  const next = toBinary(RootBlobSchema, { ...root, resource: toBinary(schema, resource) });
  const blobUri = rootUri(shape.owner, next);
  await storage.blobs.put(blobUri, next, { message: RootBlobSchema.typeName });
  const written = { kind: 'blob', blobUri, ...(row.state && { state: row.state }) } as const;
  const result = await storage.pointers.compareAndSet(row.key, row, written, { writeId });
  if (!result.applied) throw new Error(`${row.key} was changed meanwhile`);
  return result.pointer;
}
