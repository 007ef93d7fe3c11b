import { clone, create } from '@bufbuild/protobuf';
import { NamespaceSchema, TableSchema } from '@floecat/proto/resources';
import { ScanBundleSchema, SnapshotStatisticsSchema } from '@floecat/proto/snapshots';
import { collectOnce, DEFAULT_GC_SETTINGS } from '@floecat/gc';
import type { LoadedTable, Repositories } from '@floecat/repository';
import {
  BlobWriter,
  namespaceKind,
  openRepositories,
  ownerOfBlob,
  repositoryContext,
  RepositoryError,
  tableKind,
  transact,
} from '@floecat/repository';
import { openMemoryStorage } from '@floecat/storage-memory';
import type { Clock, Storage } from '@floecat/storage-spi';
import { InvalidArgumentError, StorageConflictError } from '@floecat/storage-spi';
import type { SeededRandom } from '@floecat/storage-testkit';
import { FakeClock, seededRandom } from '@floecat/storage-testkit';

import type { CrashPoint } from '../../../repository/test/support/crash.ts';
import { Crash, crashAt } from '../../../repository/test/support/crash.ts';
import { interceptCalls } from '../../../repository/test/support/store-calls.ts';
import { Journal } from './journal.ts';
import { NEW_TABLE } from '../../../repository/test/support.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export const DEEDS = [
  'create a namespace',
  'create two namespaces',
  'register a table',
  'stage a table',
  'change a table',
  'change two tables',
  'change a stale table',
  'rename a table',
  'rename a namespace',
  'change a namespace',
  'drop a table',
  'drop a namespace',
  'add snapshots',
  'create a view',
  'make or drop an account',
  'collect',
  'wait and collect',
] as const;

/** One thing that is done to a lake; `a` and `b` choose what it is done to. */
export interface Deed {
  readonly deed: (typeof DEEDS)[number];
  readonly a: number;
  readonly b: number;
  /** Where its process dies. */
  readonly crash?: CrashPoint | undefined;
}

/** A store of repositories, collectors and processes that die, and what it takes to judge a recovery of it. */
export class LakeRun implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly random: SeededRandom;
  readonly storage: Storage;
  /** URIs of roots whose writers died before they knew what became of them. */
  readonly unfinished = new Set<string>();
  /** What was acknowledged. */
  readonly journal: Journal;
  #serial = 0;

  private constructor(storage: Storage, random: SeededRandom, clock: FakeClock, journal = new Journal()) {
    this.storage = storage;
    this.journal = journal;
    this.random = random;
    this.clock = clock;
  }

  static async open(
    seed: number,
    given?: { readonly storage: Storage; readonly clock: FakeClock },
  ): Promise<LakeRun> {
    const clock = given?.clock ?? new FakeClock();
    const random = seededRandom(seed);
    const run = new LakeRun(given?.storage ?? openMemoryStorage({ clock, random }), random, clock);
    const { accounts, catalogs, namespaces } = run.client(interceptCalls(run.storage, run.journal.watch));
    await accounts.ensure('acme');
    await catalogs.create('lake');
    await namespaces.create('lake', ['sales']);
    return run;
  }

  /** Goes on where this one stopped, on another table of the same store. */
  on(storage: Storage): LakeRun {
    const run = new LakeRun(storage, this.random, this.clock, this.journal);
    for (const uri of this.unfinished) run.unfinished.add(uri);
    return run;
  }

  client(storage = this.storage, account = 'acme'): Repositories {
    const { clock, random } = this;
    const impatient: Clock = {
      // A writer's clock is not the store's.
      now: () => clock.now() - 3,
      monotonic: () => clock.monotonic(),
      sleep: async () => undefined,
    };
    return openRepositories(
      repositoryContext(storage, account, { clock: impatient, random, cache: { blobBytes: 0 } }),
    );
  }

  /** Does it, or dies at it. What is refused, because of what is there, is left. */
  async do({ deed, a, b, crash }: Deed): Promise<void> {
    this.clock.advance(1_000);
    const died = crashAt(crash);
    const put = new Set<string>();
    const journalled = interceptCalls(this.storage, this.journal.watch);
    const storage = interceptCalls(journalled, died.intercept);
    const watched = interceptCalls(storage, async (call, proceed) => {
      const [uri] = call.args;
      if (call.name === 'blobs.put' && ownerOfBlob(uri as string)?.isRoot) put.add(uri as string);
      return proceed();
    });
    try {
      await this.#act(deed, a, b, watched);
    } catch (error) {
      if (error instanceof Crash || died.reached()) for (const uri of put) this.unfinished.add(uri);
      else if (!isRefusal(error)) throw error;
    }
  }

  async #act(deed: Deed['deed'], a: number, b: number, storage: Storage): Promise<unknown> {
    const client = this.client(storage);
    const { namespaces, tables, views, snapshots } = client;
    const paths = await this.#namespaces();
    const path = pick(paths, a) ?? ['sales'];
    const serial = ++this.#serial;
    switch (deed) {
      case 'create a namespace':
        return namespaces.create('lake', b % 2 === 0 ? [...path, `n${b % 3}`] : [`n${b % 5}`]);
      case 'create two namespaces':
        return transact(client.context, async (transaction) => {
          const catalog = await client.catalogs.require('lake');
          for (const i of [0, 1])
            transaction.create(
              namespaceKind,
              create(NamespaceSchema, {
                id: this.random.uuid(),
                catalogId: catalog.owner.id,
                levels: [`t${(b + i) % 6}`],
              }),
            );
        });
      case 'register a table': {
        const namespace = await namespaces.require('lake', path);
        const staged = await tables.stage(namespace, `t${b % 4}`, newTable(serial));
        return tables.publish(namespace, staged);
      }
      case 'stage a table':
        return tables.stage(await namespaces.require('lake', path), `t${b % 4}`, newTable(serial));
      case 'change a table':
        return this.#withTable(a, async (table) => tables.replaceMetadata(table.owner.id, metadata(serial)));
      case 'change two tables': {
        const [first, second] = [await this.#table(a), await this.#table(b)];
        if (!first || !second || first.owner.key === second.owner.key) return undefined;
        return transact(client.context, async (transaction) => {
          for (const { owner } of [first, second]) {
            const seen = await tables.requireById(owner.id);
            const next = clone(TableSchema, seen.resource);
            next.lastUpdatedMs += BigInt(serial);
            transaction.replace(tableKind, seen, next);
          }
        });
      }
      case 'change a stale table':
        return this.#withTable(a, async (table) => {
          const other = this.client(interceptCalls(this.storage, this.journal.watch));
          await other.tables.replaceMetadata(table.owner.id, metadata(serial));
          await tables.replaceMetadata(table, metadata(serial + 0.5));
        });
      case 'rename a table':
        return this.#withTable(a, async (table) =>
          tables.rename(table, await namespaces.require('lake', path), `t${b % 4}`),
        );
      case 'rename a namespace':
        return namespaces.rename(await namespaces.require('lake', path), [`r${b % 3}`]);
      case 'change a namespace': {
        const { owner } = await namespaces.require('lake', path);
        return namespaces.update(owner.id, (namespace) => void (namespace.properties['n'] = String(serial)));
      }
      case 'drop a table':
        return this.#withTable(a, async (table) => tables.drop(table));
      case 'drop a namespace':
        return namespaces.dropAt('lake', path, { recursive: b % 4 !== 0 });
      case 'add snapshots':
        return this.#withTable(a, async (table) => {
          const tableId = table.owner.id;
          await snapshots.createAll(
            table,
            [...Array(1 + (b % 2)).keys()].map((i) => {
              const snapshotId = BigInt(serial * 10 + i);
              return {
                snapshotId,
                statistics: create(SnapshotStatisticsSchema, { tableId, snapshotId }),
                bundle: create(ScanBundleSchema, { tableId, snapshotId }),
                writer: new BlobWriter(client.context),
              };
            }),
          );
        });
      case 'create a view':
        return views.create(await namespaces.require('lake', path), `t${b % 4}`, {
          viewUuid: 'v',
          location: 's3://lake/v',
          metadata: metadata(serial),
        });
      case 'make or drop an account': {
        const other = this.client(storage, 'beta');
        const there = await other.accounts.get('beta');
        return there ? other.accounts.drop('beta', { recursive: true }) : other.accounts.ensure('beta');
      }
      case 'collect':
        return this.#collect(2 * HOUR_MS, storage);
      case 'wait and collect':
        await this.#collect(2 * HOUR_MS, storage);
        await this.#collect(8 * DAY_MS, storage);
        return this.#collect(DAY_MS, storage);
    }
  }

  async #collect(after: number, storage: Storage): Promise<void> {
    this.clock.advance(after);
    const { clock, random } = this;
    await collectOnce(
      storage,
      { ...DEFAULT_GC_SETTINGS, maxDeleteRatio: 1, tombstoneTtlMs: 4 * DAY_MS },
      { clock, random },
    );
  }

  async #namespaces(): Promise<string[][]> {
    const { namespaces } = this.client();
    const found: string[][] = [];
    const walk = async (parent: readonly string[]): Promise<void> => {
      for (const levels of (await namespaces.listChildren('lake', parent)).items) {
        found.push([...levels]);
        await walk(levels);
      }
    };
    await walk([]);
    return found;
  }

  async #table(choice: number): Promise<LoadedTable | undefined> {
    const { tables } = this.client();
    const found: LoadedTable[] = [];
    for (const path of await this.#namespaces()) {
      const page = await tables.list('lake', path).catch(() => ({ items: [] }));
      found.push(...page.items);
    }
    return pick(found, choice);
  }

  async #withTable(choice: number, work: (table: LoadedTable) => Promise<unknown>): Promise<unknown> {
    const table = await this.#table(choice);
    return table && work(table);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.storage.close();
  }
}

function pick<T>(items: readonly T[], choice: number): T | undefined {
  return items[choice % Math.max(1, items.length)];
}

function metadata(serial: number): typeof NEW_TABLE.metadata {
  return Buffer.from(`{"format-version":2,"serial":${serial}}`);
}

function newTable(serial: number): typeof NEW_TABLE {
  return { ...NEW_TABLE, metadata: metadata(serial) };
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof RepositoryError ||
    error instanceof StorageConflictError ||
    error instanceof InvalidArgumentError
  );
}
