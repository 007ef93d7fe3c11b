import type { OwnerRef } from '@floecat/repository';
import { ownerOfBlob } from '@floecat/repository';
import type { BlobVersionListing, Pointer } from '@floecat/storage-spi';
import { compareUtf8, mapBounded, prefixOf, StorageNotFoundError } from '@floecat/storage-spi';

import type { KeptBackup } from './backups.ts';
import type { CasCounts, MarkState, PublishedList } from './cas-state.ts';
import type { CondemnedBlob, CondemnedReader, SegmentRef } from './condemned.ts';
import { inForce } from './condemned.ts';
import { GcUnreadableError } from './errors.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';
import { OwnerCursor } from './owner-cursor.ts';
import type { OwnerMark } from './owner-roots.ts';
import { markOwners } from './owner-roots.ts';
import type { Pardons } from './pardons.ts';

const PARALLEL_CALLS = 16;
const MAX_UNKNOWN_EXAMPLES = 5;

/** Takes in what a mark condemns. */
export interface CondemnedSink {
  add(entry: CondemnedBlob): Promise<void>;
  /** All that was taken in, stored. */
  flush(): Promise<readonly SegmentRef[]>;
}

export interface CasMarkConfig {
  readonly account: string;
  readonly backups: readonly KeptBackup[];
  readonly pardons: Pardons;
  /** What the pass before condemned, and its list. */
  readonly previous: CondemnedReader;
  readonly list: Pick<PublishedList, 'pass' | 'publishedAt'> | undefined;
  readonly sink: CondemnedSink;
  readonly state: MarkState;
}

/** The owner whose versions are being looked at. */
interface OpenOwner {
  readonly prefix: string;
  readonly mark: OwnerMark | undefined;
  /** Of what it reaches, what was not met yet. */
  readonly unseen: Set<string>;
}

/**
 * Marks one account: walks its blob versions in step with its owners and with the list before, page by page. Changes
 * nothing but its sink. Throws what ends the pass.
 */
export class CasMark implements AsyncDisposable {
  readonly #context: GcContext;
  readonly #config: CasMarkConfig;
  readonly #owners: OwnerCursor;
  readonly #graceMs: number;
  readonly #retentionMs: number;
  readonly #counts: { -readonly [K in keyof CasCounts]: CasCounts[K] };
  #unknown: readonly string[];
  #pageToken: string | undefined;
  #after: MarkState['after'];
  #open: OpenOwner | undefined;
  #uri:
    | { readonly text: string; hasLatest: boolean; before?: ReadonlyMap<string, CondemnedBlob> }
    | undefined;

  constructor(context: GcContext, config: CasMarkConfig) {
    const { state, account, backups } = config;
    const { casGraceMs, casRetentionMs } = context.storage.layout;
    this.#context = context;
    this.#config = config;
    this.#graceMs = context.safety.grace ? casGraceMs : 0;
    this.#retentionMs = context.safety.retention ? casRetentionMs : 0;
    this.#counts = { ...state.counts };
    this.#unknown = state.unknownExamples;
    this.#pageToken = state.pageToken;
    this.#after = state.after;
    this.#uri = state.uri && { ...state.uri };
    this.#owners = new OwnerCursor(context, {
      account,
      backups,
      pageSize: context.settings.cas.pageSize,
      after: state.after,
      onSkipped: (mark) => this.#verify(mark, mark.reached),
    });
  }

  /** Does the next page; false once all of the account is marked. */
  async step(): Promise<boolean> {
    const { storage, settings } = this.#context;
    const prefix = prefixOf('accounts', this.#config.account);
    const page = await storage.blobs.listVersions(prefix, {
      ...callOf(this.#context),
      limit: settings.cas.pageSize,
      ...(this.#pageToken !== undefined && { pageToken: this.#pageToken }),
    });
    await this.#markPage(page.versions);
    this.#pageToken = page.nextPageToken;
    if (page.nextPageToken !== undefined) return true;
    await this.#endOwner();
    await this.#owners.drain();
    return false;
  }

  /** Where it stands, to go on from there. What was condemned so far is stored, and of no effect yet. */
  async suspend(): Promise<MarkState> {
    const segments = await this.#config.sink.flush();
    const { state, previous } = this.#config;
    const { pageToken: _token, after: _after, uri: _uri, ...rest } = state;
    const { text, hasLatest } = this.#uri ?? {};
    return {
      ...rest,
      ...(this.#pageToken !== undefined && { pageToken: this.#pageToken }),
      ...(this.#after && { after: this.#after }),
      ...(text !== undefined && hasLatest !== undefined && { uri: { text, hasLatest } }),
      previousSegment: previous.segment,
      segments,
      counts: { ...this.#counts, owners: state.counts.owners + this.#owners.passed },
      unknownExamples: this.#unknown,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owners[Symbol.asyncDispose]();
  }

  async #markPage(versions: readonly BlobVersionListing[]): Promise<void> {
    const owned = versions.map((version) => ({ version, owner: ownerOfBlob(version.uri)?.owner }));
    const marks = await this.#marksOf(owned.flatMap(({ owner }) => owner ?? []));
    for (const { version, owner } of owned) {
      this.#count({ versions: 1, bytes: version.size });
      if (!owner) this.#leaveUnknown(version.uri);
      else {
        if (this.#open?.prefix !== owner.blobPrefix) await this.#openOwner(owner, marks);
        await this.#judge(version);
      }
    }
  }

  /** What each owner of a page needs. One that the walk does not find is looked up by its key before it counts as gone. */
  async #marksOf(owners: readonly OwnerRef[]): Promise<ReadonlyMap<string, OwnerMark | undefined>> {
    const marks = new Map<string, OwnerMark | undefined>();
    const missing: OwnerRef[] = [];
    for (const owner of owners) {
      const { blobPrefix } = owner;
      if (marks.has(blobPrefix)) continue;
      const mark = this.#open?.prefix === blobPrefix ? this.#open.mark : await this.#owners.seek(owner);
      marks.set(blobPrefix, mark);
      if (!mark) missing.push(owner);
    }
    if (missing.length === 0 || !this.#context.safety['confirm-absence']) return marks;
    for (const mark of await this.#lookUp(missing)) marks.set(mark.owner.blobPrefix, mark);
    return marks;
  }

  async #lookUp(owners: readonly OwnerRef[]): Promise<OwnerMark[]> {
    const call = callOf(this.#context);
    const keys = owners.map((owner) => owner.key);
    const rows = await this.#context.storage.pointers.getBatch(keys, call);
    const found = await mapBounded(owners, PARALLEL_CALLS, async (owner, i) => {
      const kept = await mapBounded(this.#config.backups, PARALLEL_CALLS, (backup) =>
        backup.pointer(owner.key, call),
      );
      return { owner, live: rows[i], kept: kept.filter((pointer) => pointer !== undefined) };
    });
    const marks = await markOwners(
      this.#context,
      found.filter(({ live, kept }) => live !== undefined || kept.length > 0),
    );
    return marks.filter((mark) => mark !== undefined);
  }

  async #openOwner(owner: OwnerRef, marks: ReadonlyMap<string, OwnerMark | undefined>): Promise<void> {
    await this.#endOwner();
    const mark = marks.get(owner.blobPrefix);
    const unseen = new Set(mark?.reached);
    this.#open = { prefix: owner.blobPrefix, mark, unseen };
  }

  async #endOwner(): Promise<void> {
    const { mark, unseen } = this.#open ?? {};
    this.#open = undefined;
    if (!mark || !unseen) return;
    await this.#verify(mark, unseen);
    this.#after = { collection: mark.owner.collection, key: mark.owner.key };
  }

  /** Decides on one version. Those of a URI come newest first. */
  async #judge(version: BlobVersionListing): Promise<void> {
    const { uri, versionId, size } = version;
    if (this.#uri?.text !== uri) this.#uri = { text: uri, hasLatest: false };
    const before = (this.#uri.before ??= await this.#condemnedBefore(uri));
    if (version.latest) this.#uri.hasLatest = true;
    const { mark, unseen } = this.#open as OpenOwner;
    unseen.delete(uri);
    const listed = before.get(versionId);
    const earlier = listed && inForce(listed, this.#config.list);
    // Where the newest version was taken away from outside, the ones below it are what is left of the blob.
    if (mark?.reached.has(uri) && (version.latest || !this.#uri.hasLatest)) {
      this.#count({ alive: 1 });
      if (earlier && !this.#context.safety['unreferenced-since']) await this.#condemn(earlier, false);
      return;
    }
    const { startedAt, pass } = this.#config.state;
    if (earlier && !this.#config.pardons.has(earlier)) return this.#condemn(earlier, false);
    if (version.lastModified > startedAt - this.#graceMs) {
      this.#count({ young: 1 });
      return;
    }
    return this.#condemn({ uri, versionId, size, since: startedAt, run: pass }, mark === undefined);
  }

  async #condemn(entry: CondemnedBlob, isOwnerless: boolean): Promise<void> {
    const { startedAt, pass } = this.#config.state;
    const isNew = entry.run === pass;
    this.#count({
      condemned: 1,
      condemnedBytes: entry.size,
      newlyCondemned: isNew ? 1 : 0,
      newlyOwnerless: isNew && isOwnerless ? 1 : 0,
      due: startedAt - entry.since >= this.#retentionMs ? 1 : 0,
    });
    await this.#config.sink.add(entry);
  }

  /** What the list before says of a URI, by version. The list has the order of the walk. */
  async #condemnedBefore(uri: string): Promise<ReadonlyMap<string, CondemnedBlob>> {
    const { previous } = this.#config;
    const found = new Map<string, CondemnedBlob>();
    for (let entry = await previous.peek(); entry; entry = await previous.peek()) {
      const order = compareUtf8(entry.uri, uri);
      if (order > 0) break;
      if (order === 0) found.set(entry.versionId, entry);
      previous.skip();
    }
    return found;
  }

  /** Makes sure that what an owner names is there, where the listing did not show it. Roots were read. */
  async #verify(mark: OwnerMark, uris: ReadonlySet<string>): Promise<void> {
    const call = callOf(this.#context);
    const unsure = [...uris].filter((uri) => !mark.roots.has(uri));
    await mapBounded(unsure, PARALLEL_CALLS, async (uri) => {
      try {
        await this.#context.storage.blobs.head(uri, call);
      } catch (error) {
        if (!(error instanceof StorageNotFoundError)) throw error;
        if (!this.#context.safety['abort-on-failed-page'] || (await this.#hasMoved(mark.live))) return;
        throw new GcUnreadableError(
          `${mark.owner.key} leads to a root that names ${uri}, which is gone; run floecat verify`,
          { key: mark.owner.key, cause: error },
        );
      }
    });
  }

  async #hasMoved(live: Pointer | undefined): Promise<boolean> {
    if (!live) return false;
    const again = await this.#context.storage.pointers.get(live.key, callOf(this.#context));
    return again?.writeId !== live.writeId;
  }

  #leaveUnknown(uri: string): void {
    this.#count({ unknown: 1 });
    if (this.#unknown.length < MAX_UNKNOWN_EXAMPLES) this.#unknown = [...this.#unknown, uri];
  }

  #count(more: Partial<CasCounts>): void {
    for (const name in more) this.#counts[name as keyof CasCounts] += more[name as keyof CasCounts] ?? 0;
  }
}
