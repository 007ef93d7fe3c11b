import assert from 'node:assert/strict';

import type { Pointer, Storage } from '@floecat/storage-spi';
import { StorageNotFoundError } from '@floecat/storage-spi';

import type { DecodedRoot } from './decode.ts';
import { decode, verify } from './decode.ts';
import type { Ledger } from './ledger.ts';
import type { ModelTime } from './model-time.ts';
import { MINUTE_MS } from './model-time.ts';
import { checkNames } from './names-agree.ts';

/** No request is under way for longer: the stores refuse one so old. */
export const MAX_FLIGHT_MS = 15 * MINUTE_MS;

export interface OracleConfig {
  readonly storage: Storage;
  readonly time: ModelTime;
  readonly ledger: Ledger;
  /** How long a blob is there after the last pointer that led to it, ms. */
  readonly retentionMs: number;
  readonly tombstoneTtlMs: number;
}

/** A blob that a pointer needs and that is not there. */
export interface Missing {
  readonly uri: string;
  /** What needs it. */
  readonly by: string;
}

/**
 * Looks at the stores after every step and knows, by the schemas and the contract alone, what must be there: what live
 * pointers and kept backups reach, and what they reached within the retention.
 */
export class Oracle {
  readonly #config: OracleConfig;
  #rows: ReadonlyMap<string, Pointer> = new Map();
  readonly #roots = new Map<string, DecodedRoot>();
  /** Rows whose root is not there, by key, with what was there before. */
  readonly #unread = new Map<string, Pointer | undefined>();
  /** URIs of the blobs that each canonical row reaches. */
  readonly #reached = new Map<string, readonly string[]>();
  /** By how many rows each URI is reached. */
  readonly #uses = new Map<string, number>();
  /** When a URI was reached last: the lowest wall time since. */
  readonly #left = new Map<string, number>();
  /** Blobs that were first needed by a slow commit. */
  readonly #overdue = new Set<string>();
  readonly #backups = new Map<string, readonly Missing[]>();
  /** Rows that a hand wrote, by write id. */
  readonly #byHand = new Set<string>();

  constructor(config: OracleConfig) {
    this.#config = config;
  }

  get rows(): ReadonlyMap<string, Pointer> {
    return this.#rows;
  }

  root(row: Pointer | undefined): DecodedRoot | undefined {
    return row?.kind === 'blob' ? this.#roots.get(row.blobUri) : undefined;
  }

  isNeeded(uri: string): boolean {
    return this.#uses.has(uri);
  }

  expectOrphan(writeId: string): void {
    this.#byHand.add(writeId);
  }

  /** From here on, what these rows of a backup reach is needed. */
  keepBackup(id: string, rows: readonly Pointer[]): void {
    const needs = rows.flatMap((row) => {
      if (row.kind !== 'blob') return [];
      const root = this.#roots.get(row.blobUri);
      return [row.blobUri, ...(root?.references ?? [])].map((uri) => ({ uri, by: `backup ${id}` }));
    });
    this.#backups.set(id, needs);
  }

  endBackup(id: string): void {
    this.#backups.delete(id);
  }

  get backups(): readonly string[] {
    return [...this.#backups.keys()];
  }

  /** Somebody was told that this owner was dropped. */
  expectDropped(key: string): void {
    const row = this.#rows.get(key);
    assert.ok(!row || row.state === 'TOMBSTONE', `${key} was dropped, and is ${row?.state}`);
  }

  /** A blob that is to be kept for another retention although nothing reaches it. */
  keepLonger(uri: string): void {
    if (!this.isNeeded(uri)) this.#left.set(uri, this.#config.time.wall);
  }

  /** To be told whenever time has moved. */
  timeMoved(): void {
    const { wall } = this.#config.time;
    for (const [uri, since] of this.#left) if (since > wall) this.#left.set(uri, wall);
  }

  /**
   * After a write of pointers. Answers the blobs that newly written rows need and that are not there; as long as a root
   * is not, names and balances are not looked at. With `isSlow`, the blobs were put so long ago that a collector may have
   * condemned them before: they are kept as long as they are needed, and a retention is not promised.
   */
  async pointersMoved(isSlow = false): Promise<Missing[]> {
    const before = this.#rows;
    const now = await this.#list();
    const missing: Missing[] = [];
    for (const [key, row] of before) if (!now.has(key)) await this.#vanished(row, now);
    this.#rows = now;
    for (const [key, row] of now) {
      const last = before.get(key);
      const isUnread = this.#unread.has(key);
      if ((last?.writeId === row.writeId && !isUnread) || row.kind !== 'blob') continue;
      const was = isUnread ? this.#unread.get(key) : last;
      const root = await this.#read(row, missing);
      this.#reach(key, [row.blobUri, ...(root?.references ?? [])], isSlow);
      if (root) await this.#config.ledger.committed(row, was, root, this.root(was), this.#config.storage);
      if (root) this.#unread.delete(key);
      else this.#unread.set(key, was);
    }
    if (this.#unread.size > 0) return missing;
    checkNames(now, (row) => this.root(row), this.#byHand);
    this.#config.ledger.checkBalance(now, (row) => this.root(row));
    return missing;
  }

  /** After a delete of blobs, of `uri` or of what starts with it. */
  async blobsDeleted(uri: string): Promise<void> {
    const missing: Missing[] = [];
    for (const { uri: needed, by } of this.#required())
      if (needed.startsWith(uri) && !(await this.#exists(needed))) missing.push({ uri: needed, by });
    assert.deepEqual(missing, [], 'a blob was deleted that is needed');
  }

  /** What is needed and not there, whatever happened. */
  async missing(): Promise<Missing[]> {
    const missing = await this.pointersMoved(true);
    for (const each of this.#required()) if (!(await this.#exists(each.uri))) missing.push(each);
    return missing;
  }

  /** Looks at everything anew: each blob that is needed is there, and holds what its URI says. */
  async checkAll(): Promise<void> {
    assert.deepEqual(await this.missing(), []);
    for (const { uri } of this.#required()) verify(uri, (await this.#config.storage.blobs.get(uri)).bytes);
  }

  *#required(): Generator<Missing> {
    const { time, retentionMs } = this.#config;
    for (const [key, uris] of this.#reached) for (const uri of uris) yield { uri, by: key };
    for (const needs of this.#backups.values()) yield* needs;
    for (const [uri, since] of this.#left)
      if (time.wall - since < retentionMs) yield { uri, by: `the retention, since ${since}` };
      else this.#left.delete(uri);
  }

  /** The root that a row leads to, and all that it names verified. What is not there is added to `missing`. */
  async #read(
    row: Pointer & { readonly kind: 'blob' },
    missing: Missing[],
  ): Promise<DecodedRoot | undefined> {
    const blob = await this.#get(row.blobUri);
    if (!blob) {
      missing.push({ uri: row.blobUri, by: row.key });
      return undefined;
    }
    verify(row.blobUri, blob);
    const root = decode(blob);
    const { owner, version, writeId, incarnation } = root.envelope;
    assert.deepEqual(
      [owner, Number(version), writeId, incarnation],
      [row.key, row.version, row.writeId, row.incarnation],
      `${row.key} leads to a root that is not its own`,
    );
    this.#roots.set(row.blobUri, root);
    for (const uri of root.references) {
      const bytes = await this.#get(uri);
      if (bytes) verify(uri, bytes);
      else missing.push({ uri, by: row.key });
    }
    return root;
  }

  #reach(key: string, uris: readonly string[], isSlow: boolean): void {
    for (const uri of uris) {
      if (!this.#uses.has(uri))
        if (isSlow) this.#overdue.add(uri);
        else this.#overdue.delete(uri);
      this.#uses.set(uri, (this.#uses.get(uri) ?? 0) + 1);
      this.#left.delete(uri);
    }
    this.#leave(key);
    this.#reached.set(key, uris);
  }

  #leave(key: string): void {
    for (const uri of this.#reached.get(key) ?? []) {
      const uses = (this.#uses.get(uri) ?? 0) - 1;
      if (uses > 0) this.#uses.set(uri, uses);
      else {
        this.#uses.delete(uri);
        if (!this.#overdue.has(uri)) this.#left.set(uri, this.#config.time.wall);
      }
    }
    this.#reached.delete(key);
  }

  /** A row is gone: only what was dropped to its end, or never was for anybody, may go. */
  async #vanished(row: Pointer, now: ReadonlyMap<string, Pointer>): Promise<void> {
    const { time, storage, tombstoneTtlMs } = this.#config;
    if (row.kind !== 'blob') {
      // A name that somebody bore is missed below, by the one who bears it.
      if (row.expiresAt !== undefined && !row.key.includes('/by-'))
        assert.ok(row.expiresAt * 1000 <= time.highest, `${row.key} went before it expired`);
      return;
    }
    const root = this.root(row);
    const [, table] = /^\/accounts\/[^/]+\/tables\/([^/]+)\/snapshots\//.exec(row.key) ?? [];
    if (table !== undefined) {
      const parent = now.get(row.key.replace(/\/snapshots\/.*/, '').replace(`/${table}`, `/by-id/${table}`));
      assert.ok(!parent || this.isDropped(parent), `${row.key} went, and its table is there`);
    } else if (row.state === 'TOMBSTONE') {
      assert.ok(time.highest - row.updatedAt >= tombstoneTtlMs, `the tombstone ${row.key} went early`);
      const below = row.blobUri.slice(0, row.blobUri.lastIndexOf('/') + 1);
      const { versions } = await storage.blobs.listVersions(below);
      const left = versions.filter(
        ({ uri, lastModified }) => uri !== row.blobUri && lastModified < time.wall - MAX_FLIGHT_MS,
      );
      assert.deepEqual(left, [], `the tombstone ${row.key} went before other blobs of its owner`);
      for (const [id, needs] of this.#backups)
        assert.ok(!needs.some(({ uri }) => uri.startsWith(below)), `${row.key} went, and ${id} holds it`);
    } else assert.equal(root?.hadName, false, `${row.key} went, which was ${row.state ?? 'alive'}`);
    this.#leave(row.key);
  }

  /** Whether a drop of it was decided, so that no reader sees it. */
  isDropped(row: Pointer): boolean {
    return row.state === 'TOMBSTONE' || this.root(row)?.hadName !== undefined;
  }

  async #list(): Promise<ReadonlyMap<string, Pointer>> {
    const rows = new Map<string, Pointer>();
    let pageToken: string | undefined;
    do {
      const page = await this.#config.storage.pointers.listPointersByPrefix(
        '',
        pageToken ? { pageToken } : {},
      );
      for (const row of page.pointers) rows.set(row.key, row);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return rows;
  }

  async #exists(uri: string): Promise<boolean> {
    return present(this.#config.storage.blobs.head(uri));
  }

  async #get(uri: string): Promise<Uint8Array | undefined> {
    const [blob] = await this.#config.storage.blobs.getBatch([uri]);
    return blob?.bytes;
  }
}

async function present(found: Promise<unknown>): Promise<boolean> {
  try {
    await found;
    return true;
  } catch (error) {
    if (error instanceof StorageNotFoundError) return false;
    throw error;
  }
}
