import { ACCOUNT_DIRECTORY, collectorStatesPrefix, ENDED_ACCOUNTS_PREFIX } from '@floecat/repository';
import type { CallOptions, PointerStore } from '@floecat/storage-spi';
import { compareUtf8, escapeSegment, lastSegment } from '@floecat/storage-spi';

import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';

/**
 * Accounts in the directory, and those that the blob collector is not done with although they are in it no more, in the
 * order of their names as keys hold them; `after` one of them if given.
 */
export async function* listAccounts(
  context: GcContext,
  pageSize: number,
  after?: string,
): AsyncGenerator<string> {
  const { pointers, system } = context.storage;
  const call = callOf(context);
  const streams = [
    lastSegments(pointers, ACCOUNT_DIRECTORY, pageSize, call, after),
    lastSegments(system, collectorStatesPrefix('cas'), pageSize, call, after),
    lastSegments(system, ENDED_ACCOUNTS_PREFIX, pageSize, call, after),
  ];
  const heads = await Promise.all(streams.map(next));
  for (;;) {
    let least: string | undefined;
    for (const head of heads)
      if (head !== undefined && (least === undefined || compareUtf8(head, least) < 0)) least = head;
    if (least === undefined) return;
    for (const [i, head] of heads.entries())
      if (head === least) heads[i] = await next(streams[i] as AsyncGenerator<string>);
    yield lastSegment(least);
  }
}

async function next(stream: AsyncGenerator<string>): Promise<string | undefined> {
  const result = await stream.next();
  return result.done ? undefined : result.value;
}

/** What follows `prefix` in its keys, still escaped. */
async function* lastSegments(
  store: PointerStore,
  prefix: string,
  limit: number,
  call: CallOptions,
  after: string | undefined,
): AsyncGenerator<string> {
  let pageToken =
    after === undefined ? undefined : await store.pageTokenAfterKey(prefix, prefix + escapeSegment(after));
  do {
    const page = await store.listPointersByPrefix(prefix, {
      ...call,
      limit,
      ...(pageToken && { pageToken }),
    });
    for (const { key } of page.pointers) yield key.slice(prefix.length);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}
