import type { OwnerRef } from '@floecat/repository';
import { COLLECTOR_BLOBS_PREFIX, ownerOfBlob } from '@floecat/repository';
import type { BlobVersionListing } from '@floecat/storage-spi';
import { prefixOf } from '@floecat/storage-spi';

import { callOf } from '../recovery-context.ts';
import { sortAccounts, walkAccounts } from './accounts.ts';
import { findingOf } from './finding.ts';
import { isRow, readBlob, readRow } from './examine-owner.ts';
import { OwnerCursor } from './owner-cursor.ts';
import type { OwnerPosition } from './owner-walk.ts';
import { positionOf } from './owner-walk.ts';
import type { OwnerRead } from './read-owners.ts';
import { readOwners } from './read-owners.ts';
import { screenOwner } from './screen-owner.ts';
import type { VerifyRun } from './verify-run.ts';
import type { VerifyPosition } from './verify-state.ts';

/** The owner whose versions are passing. */
interface OpenOwner {
  readonly owner: OwnerRef;
  /** Absent where it has no row, or was not chosen. */
  readonly read: OwnerRead | undefined;
  /** Whether what it does not reach counts as an orphan. */
  readonly counts: boolean;
  /** URIs with a current version. */
  readonly current: Set<string>;
}

/**
 * Walks all owners of `accounts`, or of the whole store, in step with the listing of their blob versions: so that each
 * root is read once, and what it names is found without a request of its own.
 */
export async function walkBlobs(run: VerifyRun, from: VerifyPosition): Promise<void> {
  const { accounts } = run.scope;
  if (!accounts) {
    const all = walkAccounts(run.context, run.pageSize);
    await new BlobWalk(run, '/', all, from).run();
    return;
  }
  for (const [i, account] of sortAccounts(accounts).entries()) {
    if (i < from.account) continue;
    const start: VerifyPosition = i === from.account ? from : { phase: 'blobs', account: i };
    await new BlobWalk(run, prefixOf('accounts', account), [account], start).run();
  }
}

class BlobWalk {
  readonly #run: VerifyRun;
  readonly #prefix: string;
  readonly #from: VerifyPosition;
  readonly #owners: OwnerCursor;
  readonly #oldest: number;
  #open: OpenOwner | undefined;
  #after: OwnerPosition | undefined;
  #lastUnknown = '';

  constructor(
    run: VerifyRun,
    prefix: string,
    accounts: AsyncIterable<string> | Iterable<string>,
    from: VerifyPosition,
  ) {
    const { context } = run;
    this.#run = run;
    this.#prefix = prefix;
    this.#from = from;
    this.#after = from.after;
    this.#oldest = context.clock.now() - context.storage.layout.casGraceMs;
    this.#owners = new OwnerCursor(context, {
      accounts,
      pageSize: run.pageSize,
      after: from.after,
      isChosen: ({ key }) => run.sample.has(key),
      onSkipped: (read) => this.#skip(read),
    });
  }

  async run(): Promise<void> {
    const { context, pageSize, pool, onPage } = this.#run;
    let { pageToken } = this.#from;
    try {
      for (;;) {
        const page = await context.storage.blobs.listVersions(this.#prefix, {
          ...callOf(context),
          limit: pageSize,
          ...(pageToken !== undefined && { pageToken }),
        });
        for (const version of page.versions) await this.#see(version);
        pageToken = page.nextPageToken;
        if (pageToken === undefined) break;
        await pool.drain();
        const { account } = this.#from;
        await onPage({ phase: 'blobs', account, pageToken, ...(this.#after && { after: this.#after }) });
      }
      await this.#close();
      await this.#owners.drain();
    } finally {
      await this.#owners[Symbol.asyncDispose]();
    }
    await pool.drain();
  }

  async #see(version: BlobVersionListing): Promise<void> {
    const { uri, size, latest, lastModified } = version;
    const { tally } = this.#run;
    tally.count({ versions: 1, versionBytes: size });
    const owned = ownerOfBlob(uri);
    if (!owned) return this.#seeUnknown(uri);
    if (this.#open?.owner.blobPrefix !== owned.owner.blobPrefix) {
      await this.#close();
      this.#open = await this.#openOwner(owned.owner);
    }
    const { read, counts, current } = this.#open;
    if (latest && read?.reached.has(uri) === true) current.add(uri);
    else if (counts && lastModified < this.#oldest) tally.count({ orphans: 1, orphanBytes: size });
  }

  async #openOwner(owner: OwnerRef): Promise<OpenOwner> {
    const { context, sample } = this.#run;
    const current = new Set<string>();
    const isChosen = sample.has(owner.key);
    const found = await this.#owners.seek(owner);
    if (found || !isChosen) return { owner, read: found, counts: found?.root !== undefined, current };
    // Made since it was passed, or gone.
    const row = await readRow(context, owner.key);
    if (!row) return { owner, read: undefined, counts: true, current };
    const [read] = isRow(row) ? await readOwners(context, [{ owner, pointer: row }]) : [];
    return { owner, read, counts: read?.root !== undefined, current };
  }

  async #close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (!open) return;
    this.#after = positionOf(open.owner);
    if (open.read) await this.#check(open.read, open.current);
  }

  /** One without any blob version, which lies behind the last that was closed. */
  async #skip(read: OwnerRead): Promise<void> {
    this.#after = positionOf(read.owner);
    await this.#check(read, new Set());
  }

  async #check(read: OwnerRead, current: ReadonlySet<string>): Promise<void> {
    const { tally, pool } = this.#run;
    tally.count({ owners: 1 });
    await pool.add(() => screenOwner(this.#run, read, current));
  }

  async #seeUnknown(uri: string): Promise<void> {
    if (uri === this.#lastUnknown || uri.startsWith(COLLECTOR_BLOBS_PREFIX)) return;
    this.#lastUnknown = uri;
    const { context, tally } = this.#run;
    if ((await readBlob(context, uri, false)) === 'missing') return;
    await tally.tell(
      findingOf(
        { kind: 'unknown-uri', key: '', uri },
        'Find out who put it there; nothing here deletes it, and nothing here needs it.',
      ),
    );
  }
}
