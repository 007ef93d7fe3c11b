import assert from 'node:assert/strict';

import { fromBinary } from '@bufbuild/protobuf';
import { RootBlobSchema } from '@floecat/proto/envelope';
import { TableSchema, ViewSchema } from '@floecat/proto/resources';
import { ScanBundleSchema } from '@floecat/proto/snapshots';

import type { World } from './world.ts';

/**
 * What the live pointers need, found without anything of the collectors: every blob pointer's root, and what the message
 * in it names. Fails where one of them is not there or does not verify.
 */
export async function assertWhole(world: World): Promise<ReadonlySet<string>> {
  const needed = new Set<string>();
  for (const row of await world.pointers()) {
    if (row.kind !== 'blob') continue;
    needed.add(row.blobUri);
    const { bytes } = await world.storage.blobs.get(row.blobUri);
    const { envelope, resource } = fromBinary(RootBlobSchema, bytes);
    for (const uri of namedBy(envelope?.messageType ?? '', resource)) needed.add(uri);
  }
  for (const uri of needed) await world.storage.blobs.get(uri);
  return needed;
}

/** As {@link assertWhole}; and there is nothing else. */
export async function assertClean(world: World): Promise<void> {
  const needed = await assertWhole(world);
  assert.deepEqual((await world.uris()).toSorted(), [...needed].toSorted());
}

function namedBy(type: string, resource: Uint8Array): string[] {
  switch (type) {
    case TableSchema.typeName:
      return fromBinary(TableSchema, resource).metadata.map(({ uri }) => uri);
    case ViewSchema.typeName:
      return fromBinary(ViewSchema, resource).metadata.map(({ uri }) => uri);
    case ScanBundleSchema.typeName:
      return fromBinary(ScanBundleSchema, resource).chunks.map(({ uri }) => uri);
    default:
      return [];
  }
}
