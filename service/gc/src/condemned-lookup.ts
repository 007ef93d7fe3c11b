import { collectorStateKey, collectorStatesPrefix } from '@floecat/repository';
import { lastSegment } from '@floecat/storage-spi';

import type { CasState } from './cas-state.ts';
import type { CondemnedBlob } from './condemned.ts';
import { inForce, readSegment } from './condemned.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';
import { parseState } from './system-state.ts';

/** The condemned versions of an account that `wanted` picks, in the order of their URIs. Reads the whole list. */
export async function* findCondemned(
  context: GcContext,
  account: string,
  wanted: (entry: CondemnedBlob) => boolean,
): AsyncGenerator<CondemnedBlob> {
  const { storage } = context;
  const row = await storage.system.get(collectorStateKey('cas', account), callOf(context));
  const list = row && parseState<CasState>(row).list;
  for (const segment of list?.segments ?? [])
    for (const entry of await readSegment(storage, segment, callOf(context)))
      if (wanted(entry)) yield inForce(entry, list);
}

/** Every account that has, or may have, condemned blobs. */
export async function* accountsWithLists(context: GcContext): AsyncGenerator<string> {
  let pageToken: string | undefined;
  do {
    const page = await context.storage.system.listPointersByPrefix(collectorStatesPrefix('cas'), {
      ...callOf(context),
      ...(pageToken && { pageToken }),
    });
    for (const { key } of page.pointers) yield lastSegment(key);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}
