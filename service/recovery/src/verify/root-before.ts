import { OwnerState as StoredState } from '@floecat/proto/envelope';
import type { Loaded, OwnerRef } from '@floecat/repository';
import { isDropped, ownerOfBlob } from '@floecat/repository';
import type { Blob, Pointer } from '@floecat/storage-spi';

import { wholeVersion } from '../blobs/rescue-blob.ts';
import { callOf } from '../recovery-context.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import type { Root } from './owner-facts.ts';
import { isRoot, referencesOf, rootIn } from './owner-facts.ts';

/** The root of the version before, with the URI it lies at. */
export interface RootBefore {
  readonly uri: string;
  readonly root: Loaded;
}

/**
 * The root of the version before `row`, if it and all that it names is there in some version, and it stood in the same
 * state: what was dropped or published since does not come back by itself. `root` is that of `row`, where it could be
 * read.
 */
export async function rootBefore(
  context: RecoveryContext,
  owner: OwnerRef,
  row: Pointer,
  root: Root | undefined,
): Promise<RootBefore | undefined> {
  if (row.prevWriteId === undefined) return undefined;
  const digest = root?.envelope.previous?.digest;
  const uris = digest === undefined ? rootsOf(context, owner) : [`${owner.blobPrefix}${digest}.pb`];
  for await (const uri of uris) {
    const blob = await wholeVersion(context, uri);
    const found = blob && asBefore(owner, row, blob);
    if (!found) continue;
    for (const reference of referencesOf({ owner }, found))
      if (!(await wholeVersion(context, reference))) return undefined;
    return { uri, root: found };
  }
  return undefined;
}

/** The root in `blob`, if it is that of the version before `row`. */
export function asBefore(owner: OwnerRef, row: Pointer, blob: Blob): Loaded | undefined {
  if (row.kind !== 'blob' || row.prevWriteId === undefined) return undefined;
  const before = {
    ...row,
    blobUri: blob.header.uri,
    version: row.version - 1,
    writeId: row.prevWriteId,
  };
  const root = rootIn(owner, before, blob);
  if (!isRoot(root) || isDropped(root)) return undefined;
  return StoredState[root.envelope.state] === row.state ? root : undefined;
}

/** URIs of all roots in the owner's own folder, whatever version they lie in. */
async function* rootsOf(context: RecoveryContext, owner: OwnerRef): AsyncGenerator<string> {
  let pageToken: string | undefined;
  let last = '';
  do {
    const page = await context.storage.blobs.listVersions(owner.blobPrefix, {
      ...callOf(context),
      ...(pageToken !== undefined && { pageToken }),
    });
    for (const { uri } of page.versions) {
      const found = uri === last ? undefined : ownerOfBlob(uri);
      last = uri;
      if (found?.isRoot === true && found.owner.key === owner.key) yield uri;
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}
