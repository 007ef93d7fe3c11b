import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';

import { fromBinary } from '@bufbuild/protobuf';
import type { Envelope } from '@floecat/proto/envelope';
import { RootBlobSchema, TombstoneSchema } from '@floecat/proto/envelope';
import {
  AccountSchema,
  CatalogSchema,
  NamespaceSchema,
  TableSchema,
  TextChunkSchema,
  ViewSchema,
} from '@floecat/proto/resources';
import { ScanBundleSchema, SnapshotStatisticsSchema } from '@floecat/proto/snapshots';

/** What a root blob says, read with the schemas alone. */
export interface DecodedRoot {
  readonly envelope: Envelope;
  /** URIs of the blobs that it names. */
  readonly references: readonly string[];
  /** What the operation that wrote it left as its mark; empty where it leaves none. */
  readonly mark: string;
  /** Of the two owners that money moves between. */
  readonly balance?: number;
  /** Of a tombstone, whether what was dropped had a name. */
  readonly hadName?: boolean;
  /** Of what is no tombstone and has a name: path and name. */
  readonly place?: { readonly namespace: string; readonly name: string };
}

/** Throws where the bytes are not what the URI says. */
export function verify(uri: string, bytes: Uint8Array): void {
  const digest = createHash('sha256').update(bytes).digest('hex');
  assert.ok(uri.endsWith(`/${digest}.pb`), `${uri} holds bytes with the SHA-256 ${digest}`);
}

export function decode(bytes: Uint8Array): DecodedRoot {
  const { envelope, resource } = fromBinary(RootBlobSchema, bytes);
  assert.ok(envelope, 'a root without an envelope');
  return { envelope, ...content(envelope.messageType, resource) };
}

/** The text that chunks hold. */
export function textIn(chunks: readonly Uint8Array[]): string {
  return Buffer.concat(
    chunks.map((bytes) => zstdDecompressSync(fromBinary(TextChunkSchema, bytes).zstd)),
  ).toString('utf8');
}

function content(type: string, bytes: Uint8Array): Omit<DecodedRoot, 'envelope'> {
  switch (type) {
    case TableSchema.typeName: {
      const { metadata, location, namespaceId, name } = fromBinary(TableSchema, bytes);
      const place = { namespace: namespaceId, name };
      return { references: metadata.map(({ uri }) => uri), mark: location, place };
    }
    case ViewSchema.typeName: {
      const { metadata, location, namespaceId, name } = fromBinary(ViewSchema, bytes);
      const place = { namespace: namespaceId, name };
      return { references: metadata.map(({ uri }) => uri), mark: location, place };
    }
    case ScanBundleSchema.typeName:
      return { references: fromBinary(ScanBundleSchema, bytes).chunks.map(({ uri }) => uri), mark: '' };
    case CatalogSchema.typeName: {
      const { properties } = fromBinary(CatalogSchema, bytes);
      const balance = properties['balance'];
      const mark = properties['mark'] ?? '';
      return { references: [], mark, ...(balance !== undefined && { balance: Number(balance) }) };
    }
    case NamespaceSchema.typeName:
      return { references: [], mark: fromBinary(NamespaceSchema, bytes).properties['mark'] ?? '' };
    case TombstoneSchema.typeName:
      return { references: [], mark: '', hadName: fromBinary(TombstoneSchema, bytes).names.length > 0 };
    case AccountSchema.typeName:
    case SnapshotStatisticsSchema.typeName:
      return { references: [], mark: '' };
    default:
      assert.fail(`a root of the unknown message ${type}`);
  }
}
