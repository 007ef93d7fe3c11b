import { toBinary } from '@bufbuild/protobuf';
import { FileContent, ScanFileSchema } from '@floecat/proto/snapshots';
import { StorageCorruptionError } from '@floecat/storage-spi';

import type { ManifestRef } from './manifest-list.ts';
import type { Manifest, ManifestEntry } from './manifest.ts';
import { EMPTY_FILE } from './scan-file.ts';

interface Inherited {
  readonly addedSnapshotId: bigint;
  readonly dataSequenceNumber: bigint;
  readonly fileSequenceNumber: bigint;
  readonly firstRowId?: bigint;
}

/** Throws `STORAGE_CORRUPTION` where a manifest cannot be what the list says, so that its entries would inherit wrongly. */
export function checkInheritance(ref: ManifestRef, { entries }: Manifest): void {
  const refuse = (why: string): never => {
    throw new StorageCorruptionError(
      `${ref.location} does not fit its manifest list: ${why}; restore both from a copy, or expire the snapshot`,
      { operation: 'read', key: ref.location },
    );
  };
  for (const entry of entries) {
    if ((entry.content === FileContent.DATA) !== (ref.content === 'data'))
      refuse(`a manifest of ${ref.content} has a file of content ${entry.content}`);
    if (!entry.added && entry.dataSequenceNumber === undefined && ref.sequenceNumber !== 0n)
      refuse('an existing entry has no sequence number, which only added ones may leave out');
    if (entry.snapshotId === undefined && ref.addedSnapshotId === undefined)
      refuse('neither says which snapshot added a file');
  }
}

/** The serialized `ScanFile` of each entry, in three parts that follow each other, with what it inherits filled in. */
export function* inheritedFiles(ref: ManifestRef, { entries }: Manifest): Generator<readonly Uint8Array[]> {
  // Row ids go to data files that have none, in order; without one in the list nobody has any.
  let nextRowId = ref.content === 'data' ? ref.firstRowId : undefined;
  let previous: { readonly values: Inherited; readonly bytes: Uint8Array } | undefined;
  for (const entry of entries) {
    const firstRowId = nextRowId === undefined ? undefined : (entry.firstRowId ?? nextRowId);
    if (nextRowId !== undefined && entry.firstRowId === undefined) nextRowId += entry.recordCount;
    const values = inherit(ref, entry, firstRowId);
    if (!previous || !same(previous.values, values))
      previous = { values, bytes: toBinary(ScanFileSchema, { ...EMPTY_FILE, ...values }) };
    yield [entry.head, previous.bytes, entry.tail];
  }
}

function inherit(ref: ManifestRef, entry: ManifestEntry, firstRowId: bigint | undefined): Inherited {
  return {
    addedSnapshotId: entry.snapshotId ?? ref.addedSnapshotId ?? 0n,
    dataSequenceNumber: entry.dataSequenceNumber ?? ref.sequenceNumber,
    // Older writers leave it out of existing entries too; then it is not known, which is 0.
    fileSequenceNumber: entry.fileSequenceNumber ?? (entry.added ? ref.sequenceNumber : 0n),
    ...(firstRowId !== undefined && { firstRowId }),
  };
}

function same(a: Inherited, b: Inherited): boolean {
  return (
    a.addedSnapshotId === b.addedSnapshotId &&
    a.dataSequenceNumber === b.dataSequenceNumber &&
    a.fileSequenceNumber === b.fileSequenceNumber &&
    a.firstRowId === b.firstRowId
  );
}
