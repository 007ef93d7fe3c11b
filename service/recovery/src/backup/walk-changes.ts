import type { CallOptions, ListOptions, Pointer, PointerPage, PointerStore } from '@floecat/storage-spi';
import { compareUtf8 } from '@floecat/storage-spi';

import type { ChainReader } from './backup-reader.ts';
import type { BackupLine } from './backup-line.ts';
import { isSamePointer } from './backup-line.ts';
import { Lookahead } from './lookahead.ts';

/** A line for the backup, with how many pointers of its stretch were met up to it. */
export interface WalkedLine {
  readonly line: BackupLine;
  readonly met: number;
}

/** What a walk found in one stretch of keys. */
export interface Stretch {
  /** In the order of their keys. */
  readonly lines: readonly WalkedLine[];
  /** The last key that it accounts for: nothing up to it is left to be found. */
  readonly after: string;
  /** Pointers of the store that were met. */
  readonly pointers: number;
}

/**
 * Walks over all pointers after the key `after`, while writers go on, and answers what a backup has to hold of them: all,
 * or, over `base`, what is not as it is there.
 */
export async function* walkChanges(
  store: PointerStore,
  base: ChainReader | undefined,
  after: string | undefined,
  options: CallOptions & { readonly limit?: number },
): AsyncGenerator<Stretch> {
  await using old = base && new Lookahead(base.batches('', after, options));
  for await (const pointers of pagesOf(store, after, options)) {
    const last = pointers.at(-1);
    if (!last) continue;
    const lines: WalkedLine[] = [];
    for (const [met, pointer] of pointers.entries()) {
      const before = old && (await passTo(old, pointer.key, met, lines));
      if (!before || !isSamePointer(before, pointer))
        lines.push({ line: { key: pointer.key, pointer }, met: met + 1 });
    }
    yield { lines, after: last.key, pointers: pointers.length };
  }
  if (old) yield* restOf(old);
}

/** Goes on to `key`. What is left behind is not in the store. Answers what was backed up of `key`. */
async function passTo(
  old: Lookahead<Pointer>,
  key: string,
  met: number,
  lines: WalkedLine[],
): Promise<Pointer | undefined> {
  for (;;) {
    if (old.needsFill) await old.fill();
    const { head } = old;
    const order = head ? compareUtf8(head.key, key) : 1;
    if (!head || order > 0) return undefined;
    old.skip();
    if (order === 0) return head;
    lines.push({ line: { key: head.key, pointer: undefined }, met });
  }
}

/** Behind the last pointer of the store. */
async function* restOf(old: Lookahead<Pointer>): AsyncGenerator<Stretch> {
  const part = 1_000;
  let lines: WalkedLine[] = [];
  for (;;) {
    if (old.needsFill) await old.fill();
    const { head } = old;
    if (head) lines.push({ line: { key: head.key, pointer: undefined }, met: 0 });
    const last = lines.at(-1)?.line;
    if (last && (!head || lines.length === part)) {
      yield { lines, after: last.key, pointers: 0 };
      lines = [];
    }
    if (!head) return;
    old.skip();
  }
}

/** Pages of a listing; the next one is read while one is used. */
async function* pagesOf(
  store: PointerStore,
  after: string | undefined,
  options: ListOptions,
): AsyncGenerator<readonly Pointer[]> {
  const read = (pageToken: string | undefined): Promise<PointerPage> =>
    store.listPointersByPrefix('', { ...options, ...(pageToken !== undefined && { pageToken }) });
  let next: Promise<PointerPage> | undefined = read(
    after === undefined ? undefined : await store.pageTokenAfterKey('', after),
  );
  while (next) {
    const page: PointerPage = await next;
    next = page.nextPageToken === undefined ? undefined : read(page.nextPageToken);
    // Its error is thrown where it is awaited, which may be never.
    next?.catch(() => undefined);
    yield page.pointers;
  }
}
