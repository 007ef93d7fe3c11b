import assert from 'node:assert/strict';

import { fromBinary } from '@bufbuild/protobuf';
import { RootBlobSchema } from '@floecat/proto/envelope';
import { shapeOfKey } from '@floecat/repository';
import type { Pointer, Storage } from '@floecat/storage-spi';

import type { LakeRun } from './lake-run.ts';

/** What unfinished writes leave open. */
export interface Doubts {
  /** Canonical keys of owners whose newest state may be one that nobody acknowledged. */
  readonly owners: ReadonlySet<string>;
  /** Names that such writes were to take. */
  readonly names: ReadonlySet<string>;
  /** Roots of such writes, by owner, as version and write id. */
  readonly roots: ReadonlyMap<string, readonly { readonly version: number; readonly writeId: string }[]>;
}

/** What of `rows`, the table as it was when it was lost, an honest recovery cannot tell. */
export async function doubtsOf(run: LakeRun, rows: ReadonlyMap<string, Pointer>): Promise<Doubts> {
  const owners = new Set<string>();
  const names = new Set<string>();
  const roots = new Map<string, { version: number; writeId: string }[]>();
  for (const uri of run.unfinished) {
    const blob = await run.storage.blobs.get(uri).catch(() => undefined);
    const envelope = blob && fromBinary(RootBlobSchema, blob.bytes).envelope;
    if (!envelope) continue;
    const { owner, writeId } = envelope;
    const version = Number(envelope.version);
    const row = rows.get(owner);
    roots.set(owner, [...(roots.get(owner) ?? []), { version, writeId }]);
    // What was superseded since is told by what followed.
    if (row && (row.version > version || row.writeId === writeId)) continue;
    owners.add(owner);
    for (const { key } of envelope.names) names.add(key);
  }
  // What was committed together with an owner in doubt may be in doubt with it.
  for (let before = -1; before < owners.size;) {
    before = owners.size;
    const writes = new Set([...owners].map((key) => rows.get(key)?.writeId));
    for (const row of rows.values())
      if (row.state !== undefined && writes.has(row.writeId)) owners.add(row.key);
  }
  return { owners, names, roots };
}

/** Fails unless what was live at the loss is back at its version, and nothing that was dropped is. */
export function assertRecovered(
  found: ReadonlyMap<string, Pointer>,
  lost: ReadonlyMap<string, Pointer>,
  { owners, names, roots }: Doubts,
): void {
  const inDoubt = (row: Pointer): boolean => {
    const shape = shapeOfKey(row.key);
    if (shape?.is === 'canonical')
      return owners.has(row.key) || (shape.parent !== undefined && owners.has(shape.parent.key));
    return (
      row.kind === 'value' && (names.has(row.key) || [...owners].some((key) => key.endsWith(`/${row.value}`)))
    );
  };
  for (const [key, row] of lost) {
    if (inDoubt(row)) continue;
    if (isUnnamedEnd(row, lost)) continue;
    const now = found.get(key);
    assert.ok(now, `${key} at version ${row.version} (${row.state ?? 'a name'}) did not come back`);
    assert.deepEqual(essence(now), essence(row), key);
  }
  for (const [key, row] of found) {
    if (lost.has(key) || inDoubt(row)) continue;
    const isTried = roots.get(key)?.some(({ writeId }) => writeId === row.writeId) ?? false;
    assert.ok(
      row.state === 'TOMBSTONE' || row.state === 'DELETING' || isTried,
      `${key} at version ${row.version} (${row.state ?? 'a name'}) came back although it was gone`,
    );
  }
}

/** A drop of something that never had a name is finished by leaving it away, and with it what hangs on it. */
function isUnnamedEnd(row: Pointer, lost: ReadonlyMap<string, Pointer>): boolean {
  const shape = shapeOfKey(row.key);
  if (shape?.is !== 'canonical') return false;
  const above = shape.parent ? lost.get(shape.parent.key) : row;
  return above === undefined || (above.state === 'DELETING' && shape.owner.collection !== 'namespaces');
}

/**
 * All but its time, of which a root has only what its writer's clock said. Of a name, only where it leads and at what version:
 * the write that took it may be collected.
 */
function essence(row: Pointer): unknown {
  if (row.state !== undefined) return { ...row, updatedAt: 0 };
  const { key, version, kind } = row;
  return { key, version, kind, to: row.kind === 'value' ? row.value : row.blobUri };
}

/** Every blob that a row leads to is there. */
export async function assertRoots({ blobs }: Storage, rows: ReadonlyMap<string, Pointer>): Promise<void> {
  for (const row of rows.values()) if (row.kind === 'blob') await blobs.get(row.blobUri);
}
