import { equals, fromBinary } from '@bufbuild/protobuf';
import { RootBlobSchema } from '@floecat/proto/envelope';
import type { OwnerRef } from '@floecat/repository';
import {
  changeOf,
  commitOne,
  isDropped,
  KINDS,
  loadRoot,
  parentChecks,
  parentOf,
  repositoryContext,
  RepositoryError,
} from '@floecat/repository';
import { InvalidArgumentError, StorageConflictError, StorageCorruptionError } from '@floecat/storage-spi';

import { wholeVersion } from '../blobs/rescue-blob.ts';
import type { Root } from '../history/root.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import { callOf } from '../recovery-context.ts';

export type RollBack =
  | { readonly is: 'rolled-back' | 'present'; readonly version: number }
  | { readonly is: 'refused'; readonly why: string };

/**
 * Puts the content of an older state over the newest one, as its next version, by an ordinary commit: history goes on,
 * and nothing is taken back. An owner that was dropped since is made again over its tombstone.
 */
export async function rollBackOwner(context: RecoveryContext, owner: OwnerRef, to: Root): Promise<RollBack> {
  if (to.isTombstone || to.state !== 'LIVE')
    return {
      is: 'refused',
      why: `at that time it was in state ${to.state}: drop it yourself, if it is to go`,
    };
  const { clock, random } = context;
  const call = callOf(context);
  const repository = repositoryContext(context.storage, owner.account, {
    clock,
    random,
    cache: { blobBytes: 0 },
  });
  const kind = KINDS[owner.collection];
  try {
    const current = await loadRoot(repository, kind, owner, call);
    if (!current) return { is: 'refused', why: 'its row is gone' };
    const { bytes } = await whole(context, to.uri);
    const resource = fromBinary(kind.schema, fromBinary(RootBlobSchema, bytes).resource);
    if (!isDropped(current) && equals(kind.schema, current.resource, resource))
      return { is: 'present', version: current.pointer.version };
    const payloads = await Promise.all(
      to.references.map(async (uri) => {
        const { header, bytes: content } = await whole(context, uri);
        return { uri, bytes: content, message: header.message ?? '' };
      }),
    );
    const change = changeOf(kind, { owner, previous: current, resource, state: 'LIVE', payloads });
    const parent = parentOf(kind, owner.account, resource);
    const takesName = change.names.some(({ isNew }) => isNew);
    const also = parent && takesName ? await parentChecks(repository, parent, call) : [];
    const { pointer } = await commitOne(repository, change, { ...call, also });
    return { is: 'rolled-back', version: pointer.version };
  } catch (error) {
    const isRefusal =
      error instanceof RepositoryError ||
      error instanceof InvalidArgumentError ||
      error instanceof StorageConflictError ||
      error instanceof StorageCorruptionError;
    if (!isRefusal) throw error;
    return { is: 'refused', why: error.message };
  }
}

async function whole(
  context: RecoveryContext,
  uri: string,
): Promise<NonNullable<Awaited<ReturnType<typeof wholeVersion>>>> {
  const blob = await wholeVersion(context, uri);
  if (blob) return blob;
  throw new StorageCorruptionError(`of ${uri}, which that state needs, no whole version is left`, {
    operation: 'roll back',
    key: uri,
  });
}
