import type { OwnerRef } from '@floecat/repository';
import { KINDS, isDropped } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';

import { wholeVersion } from '../blobs/rescue-blob.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import type { Finding, Suspicion } from './finding.ts';
import { findingOf } from './finding.ts';
import type { Root } from './owner-facts.ts';
import { rootBefore } from './root-before.ts';

const RESTORE = 'Restore it from a backup: floecat restore.';

/** The finding of an owner, with the repair that is possible now. */
export async function proposeForOwner(
  context: RecoveryContext,
  owner: OwnerRef,
  suspicion: Suspicion,
  root: Root | undefined,
): Promise<Finding> {
  const { kind, row, uri } = suspicion;
  switch (kind) {
    case 'root-missing':
    case 'root-damaged':
    case 'blob-missing':
    case 'blob-damaged':
      return row && uri !== undefined
        ? proposeBlob(context, owner, suspicion, { row, uri, root })
        : findingOf(suspicion, RESTORE);
    case 'root-mismatch':
      return row ? proposeBefore(context, owner, suspicion, row, root) : findingOf(suspicion, RESTORE);
    case 'name-missing':
      return proposeName(owner, suspicion, root);
    case 'name-taken':
      return findingOf(suspicion, 'Rename one of the two; the name leads to the other one.');
    case 'parent-missing':
      return owner.collection === 'statistics' || owner.collection === 'scan-bundles'
        ? findingOf(suspicion, 'floecat gc run deletes it, one grace after it first saw it so.')
        : findingOf(suspicion, `Restore what it lies in from a backup (floecat restore), or drop it.`);
    case 'snapshot-half':
    case 'snapshot-missing':
      return findingOf(
        suspicion,
        'Register the table again under another name, or restore it from a backup.',
      );
    case 'left-behind':
      return findingOf(suspicion, 'floecat gc run finishes it.');
    case 'newer-format':
      return findingOf(suspicion, 'Upgrade, and verify with that version.');
    default:
      return findingOf(suspicion, RESTORE);
  }
}

/** The finding of a name's row. `owner` is the row of what it leads to. */
export function proposeForName(
  suspicion: Suspicion,
  ownerKey: string | undefined,
  owner: Pointer | undefined,
): Finding {
  const { kind, row } = suspicion;
  const leadsNowhere = kind === 'name-dangling' || kind === 'name-stale';
  if (!leadsNowhere || !row || ownerKey === undefined) return findingOf(suspicion, RESTORE);
  return findingOf(suspicion, 'Delete the name.', {
    do: 'delete-name',
    row,
    ownerKey,
    ...(owner && { owner }),
  });
}

async function proposeBlob(
  context: RecoveryContext,
  owner: OwnerRef,
  suspicion: Suspicion,
  { row, uri, root }: { readonly row: Pointer; readonly uri: string; readonly root: Root | undefined },
): Promise<Finding> {
  // Bytes that are what they were written as are the same in every version.
  const isWritten = suspicion.kind === 'blob-damaged' && suspicion.detail !== undefined;
  const version = isWritten ? undefined : await wholeVersion(context, uri);
  if (!version) return proposeBefore(context, owner, suspicion, row, root);
  const { versionId, size } = version.header;
  return findingOf(suspicion, `Put its version ${versionId} anew, which is whole.`, {
    do: 'rescue-blob',
    uri,
    versionId,
    size,
    owner: row,
  });
}

async function proposeBefore(
  context: RecoveryContext,
  owner: OwnerRef,
  suspicion: Suspicion,
  row: Pointer,
  root: Root | undefined,
): Promise<Finding> {
  if (row.state === 'TOMBSTONE' && !root)
    return findingOf(suspicion, 'Write the tombstone anew: what was dropped stays dropped.', {
      do: 'bury-again',
      owner: row,
    });
  const before = await rootBefore(context, owner, row, root);
  if (!before) return findingOf(suspicion, `No whole version is left. ${RESTORE}`);
  const { uri, root: old } = before;
  const { version, timeMs } = old.envelope;
  const since = new Date(Number(timeMs)).toISOString();
  return findingOf(
    suspicion,
    `No whole version is left. Better than this: ${RESTORE} Else roll it back to version ${version} of ${since}, and lose what was written since.`,
    { do: 'roll-back', owner: row, to: { uri, version: Number(version), timeMs: Number(timeMs) } },
  );
}

function proposeName(owner: OwnerRef, suspicion: Suspicion, root: Root | undefined): Finding {
  const { row, name } = suspicion;
  if (!row || name === undefined || !root) return findingOf(suspicion, RESTORE);
  const rivals = isDropped(root) ? [] : KINDS[owner.collection].rivals(owner.account, root.resource);
  return findingOf(suspicion, 'Write the row of the name anew.', {
    do: 'add-name',
    name,
    id: owner.id,
    rivals,
    owner: row,
  });
}
