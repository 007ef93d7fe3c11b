import { fromBinary } from '@bufbuild/protobuf';
import type { ScanBundle } from '@floecat/proto/snapshots';
import { ScanChunkSchema } from '@floecat/proto/snapshots';
import { TextChunkSchema } from '@floecat/proto/resources';
import type { Dropped, Loaded, OwnerRef } from '@floecat/repository';
import { decodeRoot, isDropped, KINDS, snapshotOwnerOfId, snapshotsPrefix } from '@floecat/repository';
import type { Blob, Pointer } from '@floecat/storage-spi';
import { StorageCorruptionError, StorageMisconfiguredError } from '@floecat/storage-spi';

import type { Suspicion } from './finding.ts';

export type Root = Loaded | Dropped;

/** Why a blob is not what it has to be. */
export type BlobTrouble = 'missing' | 'damaged' | { readonly unreadable: string };

/** An owner as it was found, with all that it is held against. */
export interface OwnerFacts {
  readonly owner: OwnerRef;
  readonly pointer: Pointer;
  readonly root: Root;
  /** The rows that {@link keysBeside} asks for. */
  readonly rows: ReadonlyMap<string, Pointer | undefined>;
  /** Those of {@link referencesOf} that are not as they have to be. */
  readonly troubles: ReadonlyMap<string, BlobTrouble>;
  /** Rows below {@link countedPrefix}, where that is not `undefined`. */
  readonly stored: number | undefined;
}

/** What a pointer says by itself; `undefined` if it can lead to a root. */
export function troubleOfRow(pointer: Pointer): Suspicion | undefined {
  const { key, state, expiresAt } = pointer;
  if (pointer.kind !== 'blob') return { kind: 'row-mistaken', key, row: pointer };
  if (state === undefined)
    return {
      kind: 'state-wrong',
      key,
      row: pointer,
      detail: 'It has none, and it is the row of a resource.',
    };
  if (expiresAt !== undefined)
    return { kind: 'state-wrong', key, row: pointer, detail: 'It expires, and resources never do.' };
  return undefined;
}

export function rootUriOf(pointer: Pointer): string {
  return pointer.kind === 'blob' ? pointer.blobUri : '';
}

/** The root in `blob`, or what is wrong with it. */
export function rootIn(owner: OwnerRef, pointer: Pointer, blob: Blob): Root | Suspicion {
  const uri = rootUriOf(pointer);
  const wrong = (kind: Suspicion['kind'], detail: string): Suspicion => ({
    kind,
    key: owner.key,
    uri,
    row: pointer,
    detail,
  });
  try {
    const root: Root = decodeRoot(KINDS[owner.collection], owner, pointer, blob);
    const { incarnation } = root.envelope;
    if (incarnation !== pointer.incarnation)
      return wrong('root-mismatch', `It is of the incarnation ${incarnation}, not ${pointer.incarnation}.`);
    return root;
  } catch (error) {
    if (error instanceof StorageCorruptionError) return wrong('root-mismatch', error.message);
    if (error instanceof StorageMisconfiguredError) return wrong('newer-format', error.message);
    throw error;
  }
}

export function isRoot(read: Root | Suspicion): read is Root {
  return 'envelope' in read;
}

/** URIs that the root names, of whichever owner. */
export function referencesOf({ owner }: Pick<OwnerFacts, 'owner'>, root: Root): readonly string[] {
  return isDropped(root) ? [] : KINDS[owner.collection].references(root.resource);
}

/** What an owner is held against, beside its blobs. */
export interface Beside {
  readonly names: readonly string[];
  readonly parent: OwnerRef | undefined;
  /** The other part of the same snapshot. */
  readonly sibling: OwnerRef | undefined;
}

export function besideOf(root: Root): Beside {
  const { owner } = root;
  const names = root.envelope.names.map(({ key }) => key);
  // What was staged in a parent that is gone meanwhile is swept, and what was dropped needs none.
  const needsParent = !isDropped(root) && root.pointer.state !== 'STAGED';
  const parent = needsParent ? KINDS[owner.collection].parent(owner.account, root.resource) : undefined;
  return { names, parent, sibling: isDropped(root) ? undefined : siblingOf(owner) };
}

/** Keys of the rows that it is held against, the parent's last. */
export function keysBeside(root: Root): string[] {
  const { names, parent, sibling } = besideOf(root);
  return [...names, ...(sibling ? [sibling.key] : []), ...(parent ? [parent.key] : [])];
}

function siblingOf(owner: OwnerRef): OwnerRef | undefined {
  if (owner.collection === 'statistics') return snapshotOwnerOfId(owner.account, owner.id, 'scan-bundle');
  if (owner.collection === 'scan-bundles') return snapshotOwnerOfId(owner.account, owner.id, 'statistics');
  return undefined;
}

/** The prefix of a table's snapshots, if it says that it has some. */
export function countedPrefix(root: Root): string | undefined {
  return expectedRows(root) > 0 ? snapshotsPrefix(root.owner.account, root.owner.id) : undefined;
}

/** Rows that a published table has at least: statistics and scan bundle of each snapshot. */
export function expectedRows(root: Root): number {
  if (root.owner.collection !== 'tables' || isDropped(root) || root.pointer.state !== 'LIVE') return 0;
  const { snapshotCount } = root.resource as { readonly snapshotCount?: bigint };
  return Number(snapshotCount ?? 0n) * 2;
}

/** Why `blob`, which has its digest, is not what `root` names it as; `undefined` if it is. */
export function unreadableAs(root: Root, { header: { uri }, bytes }: Blob): string | undefined {
  try {
    if (root.owner.collection !== 'scan-bundles') {
      fromBinary(TextChunkSchema, bytes);
      return undefined;
    }
    const { chunks } = (root as Loaded).resource as ScanBundle;
    const named = chunks.find((chunk) => chunk.uri === uri)?.fileCount ?? 0n;
    const { files } = fromBinary(ScanChunkSchema, bytes);
    return BigInt(files.length) === named ? undefined : `It lists ${files.length} files instead of ${named}.`;
  } catch (error) {
    return `It does not parse: ${(error as Error).message}.`;
  }
}
