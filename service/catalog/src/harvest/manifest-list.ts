import type { CallOptions } from '@floecat/storage-spi';

import { AvroDamage } from './avro-cursor.ts';
import { AvroFile } from './avro-file.ts';
import type { AvroRecord } from './avro-schema.ts';
import { AvroValues } from './avro-values.ts';
import type { UpstreamReader } from './upstream-reader.ts';

/** A manifest as its snapshot's list states it, with what its entries inherit. */
export interface ManifestRef {
  readonly location: string;
  /** `undefined` where only the manifest says. */
  readonly specId: number | undefined;
  readonly content: 'data' | 'deletes';
  /** 0 in format version 1. */
  readonly sequenceNumber: bigint;
  /** `undefined` in the oldest lists and for manifests that stand in the metadata. */
  readonly addedSnapshotId: bigint | undefined;
  readonly firstRowId: bigint | undefined;
  readonly encrypted: boolean;
}

/** Field ids of `manifest_file`. */
const ID = {
  path: 500,
  specId: 502,
  addedSnapshotId: 503,
  sequenceNumber: 515,
  content: 517,
  keyMetadata: 519,
  firstRowId: 520,
} as const;

/** The manifests of a snapshot, in the order of its list. Damage is `STORAGE_CORRUPTION` naming the location. */
export async function readManifestList(
  reader: UpstreamReader,
  location: string,
  options: CallOptions = {},
): Promise<ManifestRef[]> {
  const file = new AvroFile(await reader.read(location, options), location);
  const manifests: ManifestRef[] = [];
  await file.forEach((record) => manifests.push(manifestOf(record)), options.signal);
  return manifests;
}

/** A manifest of format version 1 that stands in the metadata itself. */
export function inlineManifest(location: string, snapshotId: bigint): ManifestRef {
  return {
    location,
    specId: undefined,
    content: 'data',
    sequenceNumber: 0n,
    addedSnapshotId: snapshotId,
    firstRowId: undefined,
    encrypted: false,
  };
}

function manifestOf(record: AvroRecord): ManifestRef {
  const values = new AvroValues(record);
  const content = values.int(ID.content) ?? 0;
  if (content !== 0 && content !== 1) throw new AvroDamage(`a manifest has content ${content}`);
  const sequenceNumber = values.long(ID.sequenceNumber) ?? 0n;
  if (sequenceNumber < 0n) throw new AvroDamage(`a manifest has sequence number ${sequenceNumber}`);
  return {
    location: values.requiredString(ID.path),
    specId: values.int(ID.specId),
    content: content === 0 ? 'data' : 'deletes',
    sequenceNumber,
    addedSnapshotId: values.long(ID.addedSnapshotId),
    firstRowId: values.long(ID.firstRowId),
    encrypted: values.bytes(ID.keyMetadata) !== undefined,
  };
}
