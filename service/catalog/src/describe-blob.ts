import type { JsonValue } from '@bufbuild/protobuf';
import { createRegistry, fromBinary, toJson } from '@bufbuild/protobuf';
import { file_floecat_v1_envelope, RootBlobSchema } from '@floecat/proto/envelope';
import { file_floecat_v1_resources } from '@floecat/proto/resources';
import { file_floecat_v1_snapshots } from '@floecat/proto/snapshots';
import type { Blob } from '@floecat/storage-spi';
import { InvalidArgumentError, StorageCorruptionError } from '@floecat/storage-spi';

const registry = createRegistry(
  file_floecat_v1_envelope,
  file_floecat_v1_resources,
  file_floecat_v1_snapshots,
);

/** A stored message as protobuf JSON; a root as `{ envelope, resource }`. 64-bit integers are strings. */
export function describeBlob({ header, bytes }: Blob): JsonValue {
  const message = header.message ?? RootBlobSchema.typeName;
  if (message !== RootBlobSchema.typeName) return describe(message, bytes, header.uri);
  const root = parse(() => fromBinary(RootBlobSchema, bytes), header.uri);
  const { envelope } = toJson(RootBlobSchema, root, { registry }) as { envelope?: JsonValue };
  const type = root.envelope?.messageType ?? '';
  return { envelope: envelope ?? null, resource: describe(type, root.resource, header.uri) };
}

function describe(type: string, bytes: Uint8Array, uri: string): JsonValue {
  const schema = registry.getMessage(type);
  if (!schema)
    throw new InvalidArgumentError(
      `${uri} holds a ${type || 'blob of no known message'}: print it with --raw`,
      { key: uri },
    );
  return toJson(
    schema,
    parse(() => fromBinary(schema, bytes), uri),
    { registry },
  );
}

function parse<T>(read: () => T, uri: string): T {
  try {
    return read();
  } catch (cause) {
    throw new StorageCorruptionError(`${uri} does not parse: run floecat verify`, {
      operation: 'describe',
      key: uri,
      cause,
    });
  }
}
