import type { NamedEntry } from './name-tree.ts';
import { readNames } from './name-tree.ts';
import { isVersionId, lostVersionOf } from './version-id.ts';

/** What stands directly in the folder of a URI. */
export interface BlobFolder {
  /** Oldest first. */
  readonly versions: readonly string[];
  readonly lost: ReadonlySet<string>;
  readonly children: readonly NamedEntry[];
}

export async function readBlobFolder(path: string): Promise<BlobFolder> {
  const { folders, others } = await readNames(path);
  const lost = others.map(lostVersionOf).filter((versionId) => versionId !== undefined);
  return { versions: others.filter(isVersionId).sort(), lost: new Set(lost), children: folders };
}
