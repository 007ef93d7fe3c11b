import { ownerOfBlob } from '@floecat/repository';
import type { Storage } from '@floecat/storage-spi';
import { InvalidArgumentError, LOST_TAG, mapBounded, StorageNotFoundError } from '@floecat/storage-spi';

import { accountsWithLists, findCondemned } from './condemned-lookup.ts';
import type { CondemnedBlob } from './condemned.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';
import type { GcOptions } from './open-gc.ts';
import { gcContext } from './open-gc.ts';
import { pardonKey } from './pardons.ts';
import type { GcSettings } from './settings.ts';

const PARALLEL_PUTS = 8;
/** Blobs of a run that are put anew before the next ones are looked up. */
const PART = 1_000;

export interface PardonReport {
  readonly account: string;
  /** Blobs that were put anew: young again, and not marked as lost. */
  readonly blobs: number;
  /** Versions whose condemnation was taken back. */
  readonly versions: number;
  /** Blobs that were deleted already. */
  readonly gone: number;
}

/**
 * Takes back the condemnation of a blob (its URI), or of all that one run condemned (its id). What is pardoned is put
 * anew, so that whoever wants it back has a whole grace to refer to it, and if nobody does, a whole retention after that.
 * Throws `StorageNotFoundError` where nothing of the kind is condemned.
 */
export async function pardon(
  storage: Storage,
  settings: GcSettings,
  what: string,
  options: GcOptions = {},
): Promise<PardonReport[]> {
  const context = await gcContext(storage, settings, options);
  const reports: PardonReport[] = [];
  if (what.startsWith('/')) {
    const owner = ownerOfBlob(what)?.owner;
    if (!owner)
      throw new InvalidArgumentError(`${what} is no blob that a collector would delete`, {
        operation: 'pardon',
        key: what,
      });
    const report = await pardonIn(context, owner.account, what, ({ uri }) => uri === what);
    if (report) reports.push(report);
  } else
    for await (const account of accountsWithLists(context)) {
      const report = await pardonIn(context, account, what, ({ run }) => run === what);
      if (report) reports.push(report);
    }
  if (reports.length > 0) return reports;
  throw new StorageNotFoundError(
    `nothing is condemned under ${what}: give the URI of a blob, or the id of a pass as floecat gc explain tells it`,
    { operation: 'pardon', key: what },
  );
}

async function pardonIn(
  context: GcContext,
  account: string,
  what: string,
  wanted: (entry: CondemnedBlob) => boolean,
): Promise<PardonReport | undefined> {
  let report: PardonReport | undefined;
  let part = new Map<string, Set<string>>();
  const putPart = async (): Promise<void> => {
    const put = await mapBounded([...part], PARALLEL_PUTS, ([uri, versions]) =>
      putAnew(context, uri, versions),
    );
    const { blobs = 0, versions = 0, gone = 0 } = report ?? {};
    report = {
      account,
      blobs: blobs + put.filter((done) => done).length,
      versions: versions + [...part.values()].reduce((sum, ids) => sum + ids.size, 0),
      gone: gone + put.filter((done) => !done).length,
    };
    part = new Map();
  };
  for await (const { uri, versionId } of findCondemned(context, account, wanted)) {
    // Before the first blob is read: from here on no sweep takes any.
    if (!report && part.size === 0) await notePardon(context, account, what);
    part.set(uri, (part.get(uri) ?? new Set()).add(versionId));
    if (part.size >= PART) await putPart();
  }
  if (part.size > 0) await putPart();
  return report;
}

async function notePardon(context: GcContext, account: string, what: string): Promise<void> {
  const key = pardonKey(account, what);
  const call = callOf(context);
  const { system } = context.storage;
  const noted = await system.get(key, call);
  await system.compareAndSet(key, noted ?? 0, { kind: 'value', value: what }, call);
}

/** Answers whether it was still there. A newer version that was not condemned makes a put needless. */
async function putAnew(context: GcContext, uri: string, versions: ReadonlySet<string>): Promise<boolean> {
  const { blobs } = context.storage;
  const call = callOf(context);
  try {
    const { header, bytes } = await blobs.get(uri, call);
    if (!versions.has(header.versionId)) return true;
    const { [LOST_TAG]: _lost, ...tags } = header.tags;
    const { contentType, message } = header;
    await blobs.put(uri, bytes, { contentType, tags, ...(message !== undefined && { message }), ...call });
    return true;
  } catch (error) {
    if (error instanceof StorageNotFoundError) return false;
    throw error;
  }
}
