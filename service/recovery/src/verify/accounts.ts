import { ACCOUNT_DIRECTORY } from '@floecat/repository';
import { escapeSegment, StorageCorruptionError, unescapeSegment } from '@floecat/storage-spi';

import { callOf } from '../recovery-context.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import { compareFolders, inFolderOrder } from './folder-order.ts';
import { walkRows } from './rows.ts';

const ACCOUNTS = '/accounts/';
/** Behind every key that goes on after it. */
const LAST = '\u{10ffff}';

/** Accounts in the directory, and those that have rows although they are in it no more, in the order of their folders. */
export async function* walkAccounts(context: RecoveryContext, pageSize: number): AsyncGenerator<string> {
  const listed = inFolderOrder(inDirectory(context, pageSize), (name) => name);
  for await (const escaped of merge(listed, withRows(context))) {
    const account = unescaped(escaped);
    if (account !== undefined) yield account;
  }
}

/** The given accounts, in the order of their folders. */
export function sortAccounts(accounts: readonly string[]): string[] {
  return [...new Set(accounts)].toSorted((a, b) => compareFolders(escapeSegment(a), escapeSegment(b)));
}

async function* inDirectory(context: RecoveryContext, pageSize: number): AsyncGenerator<string> {
  for await (const page of walkRows(context, ACCOUNT_DIRECTORY, pageSize))
    for (const key of 'rows' in page ? page.rows.map((row) => row.key) : [page.damaged])
      yield key.slice(ACCOUNT_DIRECTORY.length);
}

/** In the order of their folders. One small read an account: the first row of each, then on to behind it. */
async function* withRows(context: RecoveryContext): AsyncGenerator<string> {
  const { pointers } = context.storage;
  let pageToken: string | undefined;
  for (;;) {
    const key = await firstKey(context, pageToken);
    if (key === undefined) return;
    const account = key.slice(ACCOUNTS.length).split('/')[0] ?? '';
    yield account;
    pageToken = await pointers.pageTokenAfterKey(ACCOUNTS, `${ACCOUNTS}${account}/${LAST}`);
  }
}

async function firstKey(context: RecoveryContext, from: string | undefined): Promise<string | undefined> {
  let pageToken = from;
  do {
    try {
      const page = await context.storage.pointers.listPointersByPrefix(ACCOUNTS, {
        ...callOf(context),
        limit: 1,
        ...(pageToken !== undefined && { pageToken }),
      });
      const [row] = page.pointers;
      if (row) return row.key;
      pageToken = page.nextPageToken;
    } catch (error) {
      if (error instanceof StorageCorruptionError && error.key?.startsWith(ACCOUNTS)) return error.key;
      throw error;
    }
  } while (pageToken !== undefined);
  return undefined;
}

async function* merge(a: AsyncGenerator<string>, b: AsyncGenerator<string>): AsyncGenerator<string> {
  let [x, y] = await Promise.all([next(a), next(b)]);
  while (x !== undefined || y !== undefined) {
    const order = x === undefined ? 1 : y === undefined ? -1 : compareFolders(x, y);
    yield (order <= 0 ? x : y) as string;
    if (order <= 0) x = await next(a);
    if (order >= 0) y = await next(b);
  }
}

async function next(stream: AsyncGenerator<string>): Promise<string | undefined> {
  const result = await stream.next();
  return result.done ? undefined : result.value;
}

/** `undefined` for a segment that nobody escaped: its rows are unknown keys. */
function unescaped(segment: string): string | undefined {
  try {
    return segment === '' ? undefined : unescapeSegment(segment);
  } catch {
    return undefined;
  }
}
