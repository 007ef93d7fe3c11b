import type { BlobOwner } from '@floecat/repository';
import type { BlobHeader, Pointer } from '@floecat/storage-spi';
import { StorageNotFoundError } from '@floecat/storage-spi';

import type { KeptBackup } from './backups.ts';
import { openBackups, unfinishedBackups } from './backups.ts';
import { findCondemned } from './condemned-lookup.ts';
import type { CondemnedBlob } from './condemned.ts';
import type { GcExplanation } from './explanation.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';
import { markOwners } from './owner-roots.ts';
import { Pardons } from './pardons.ts';

type Answer = Omit<GcExplanation, 'key' | 'is'>;

export async function explainBlob(
  context: GcContext,
  uri: string,
  { owner }: BlobOwner,
): Promise<GcExplanation> {
  const call = callOf(context);
  const answer = (given: Answer): GcExplanation => ({ key: uri, is: 'blob', ...given });
  const header = await headOf(context, uri);
  const live = await context.storage.pointers.get(owner.key, call);
  const backups = await openBackups(context);
  const why = await whoReaches(context, uri, owner, live, backups);
  if (!header) return answer({ verdict: 'absent', because: ['There is no such blob.', ...why] });
  if (why.length > 0) return answer({ verdict: 'alive', because: why });

  const state = live
    ? `Its owner ${owner.key} is at version ${live.version} (${live.state ?? 'no state'}) and does not name it.`
    : `Its owner ${owner.key} does not exist.`;
  const { casGraceMs, casRetentionMs } = context.storage.layout;
  const condemned = await condemnationOf(context, uri, owner.account, header);
  if (condemned) {
    const notBefore = condemned.since + casRetentionMs;
    const pardoned = (await Pardons.read(context, owner.account)).has(condemned);
    return answer({
      verdict: 'condemned',
      because: [
        state,
        `Condemned by the pass ${condemned.run}, since ${iso(condemned.since)}.`,
        pardoned
          ? 'It was pardoned since: the next pass condemns it anew.'
          : `A pass that begins after ${iso(notBefore)} deletes it, if nothing reaches it until then.`,
        ...(await unfinishedBackups(context)),
      ],
      notBefore,
      run: condemned.run,
    });
  }
  const oldEnough = header.lastModified + casGraceMs;
  const then = `No pass condemns it before ${iso(oldEnough)}, and none deletes it for ${casRetentionMs} ms after that.`;
  return answer({
    verdict: oldEnough > context.now ? 'young' : 'unreferenced',
    because: [state, `It was put at ${iso(header.lastModified)}.`, then],
    notBefore: Math.max(oldEnough, context.now) + casRetentionMs,
  });
}

async function headOf(context: GcContext, uri: string): Promise<BlobHeader | undefined> {
  try {
    return await context.storage.blobs.head(uri, callOf(context));
  } catch (error) {
    if (error instanceof StorageNotFoundError) return undefined;
    throw error;
  }
}

/** One sentence for each pointer, live or in a backup, whose root is the blob or names it. */
async function whoReaches(
  context: GcContext,
  uri: string,
  owner: BlobOwner['owner'],
  live: Pointer | undefined,
  backups: readonly KeptBackup[],
): Promise<string[]> {
  const holders: [string, Pointer][] = live ? [[`The pointer ${owner.key}`, live]] : [];
  for (const backup of backups) {
    const pointer = await backup.pointer(owner.key, callOf(context));
    if (pointer) holders.push([`The backup ${backup.id}, which holds ${owner.key},`, pointer]);
  }
  const sentences: string[] = [];
  for (const [who, pointer] of holders) {
    const at = `(version ${pointer.version}, ${pointer.state ?? 'no state'})`;
    const root = pointer.kind === 'blob' ? pointer.blobUri : '';
    if (root === uri) sentences.push(`${who} ${at} leads to it: it is the root.`);
    else if ((await markOwners(context, [{ owner, live: pointer, kept: [] }]))[0]?.reached.has(uri))
      sentences.push(`${who} ${at} leads to the root ${root}, which names it.`);
  }
  return sentences;
}

async function condemnationOf(
  context: GcContext,
  uri: string,
  account: string,
  { versionId }: BlobHeader,
): Promise<CondemnedBlob | undefined> {
  const wanted = (entry: CondemnedBlob): boolean => entry.uri === uri && entry.versionId === versionId;
  for await (const entry of findCondemned(context, account, wanted)) return entry;
  return undefined;
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
