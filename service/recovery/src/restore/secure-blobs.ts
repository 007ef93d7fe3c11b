import { collectorStateKey } from '@floecat/repository';
import type { BlobVersionListing } from '@floecat/storage-spi';
import { mapBounded } from '@floecat/storage-spi';

import { rescueBlob } from '../blobs/rescue-blob.ts';
import type { Root } from '../history/root.ts';
import type { OwnerFacts } from '../history/standing.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import { callOf } from '../recovery-context.ts';
import type { OwnerEvidence } from '../walk/owner-evidence.ts';

const PARALLEL_PUTS = 16;

/** Blobs of a state, and what has to be done before a row may lead to it. */
export interface BlobNeeds {
  /** There is no current version, or none that is whole. */
  readonly lacking: readonly string[];
  /** A collector may have condemned them. */
  readonly endangered: readonly string[];
  /** There is no version at all. */
  readonly gone: readonly string[];
}

/** What a collector may do in an account: without a state of its own there it has condemned nothing yet. */
export async function isCollected(
  { storage, ...context }: RecoveryContext,
  account: string,
): Promise<boolean> {
  return (await storage.system.get(collectorStateKey('cas', account), callOf(context))) !== undefined;
}

/**
 * What the blobs of `root` need. What the live root reaches is safe. Anything else may be condemned, and then deleted
 * once it has been so for the retention: where that time may have come, it has to be put anew.
 */
export function needsOf(
  { clock, storage }: RecoveryContext,
  root: Root,
  { versions }: OwnerEvidence,
  facts: OwnerFacts,
  mayBeCondemned: boolean,
): BlobNeeds {
  const { casGraceMs, casRetentionMs } = storage.layout;
  const live = facts.roots.find(({ writeId }) => writeId === facts.live?.writeId);
  const safe = new Set(live ? [live.uri, ...live.references] : []);
  const newest = newestVersions(versions);
  const lacking: string[] = [];
  const endangered: string[] = [];
  const gone: string[] = [];
  for (const uri of new Set([root.uri, ...root.references])) {
    const version = newest.get(uri);
    if (!version) gone.push(uri);
    else if (!version.latest || facts.damaged.has(uri)) lacking.push(uri);
    else if (!safe.has(uri)) {
      const isDue = version.lastModified + casRetentionMs + casGraceMs / 2 <= clock.now();
      if ((mayBeCondemned && isDue) || (uri === root.uri && root.isLost)) endangered.push(uri);
    }
  }
  return { lacking, endangered, gone };
}

/** Puts what is lacking or endangered. Answers what is nowhere whole. */
export async function secure(
  context: RecoveryContext,
  needs: BlobNeeds,
  { versions }: OwnerEvidence,
  count: { broughtBack: number; putAnew: number },
): Promise<readonly string[]> {
  const lost: string[] = [...needs.gone];
  const put = async (uri: string, what: 'broughtBack' | 'putAnew'): Promise<void> => {
    const of = versions.filter((version) => version.uri === uri);
    if (await rescueBlob(context, uri, of)) count[what]++;
    else lost.push(uri);
  };
  await mapBounded(needs.lacking, PARALLEL_PUTS, (uri) => put(uri, 'broughtBack'));
  await mapBounded(needs.endangered, PARALLEL_PUTS, (uri) => put(uri, 'putAnew'));
  return lost;
}

/** Of each URI; they come newest first. */
export function newestVersions(
  versions: readonly BlobVersionListing[],
): ReadonlyMap<string, BlobVersionListing> {
  const newest = new Map<string, BlobVersionListing>();
  for (const version of versions) if (!newest.has(version.uri)) newest.set(version.uri, version);
  return newest;
}
