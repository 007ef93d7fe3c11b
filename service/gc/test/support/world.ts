import assert from 'node:assert/strict';

import type { CollectOptions, CollectorName, GcSettings, RunReport } from '@floecat/gc';
import { collectOnce, DEFAULT_GC_SETTINGS } from '@floecat/gc';
import type { SafetyLayer } from '@floecat/gc/testing';
import { collectUnsafely } from '@floecat/gc/testing';
import type { LoadedTable, Repositories } from '@floecat/repository';
import { openRepositories, repositoryContext } from '@floecat/repository';
import { openMemoryStorage } from '@floecat/storage-memory';
import type {
  BlobVersionListing,
  LayoutSettings,
  Pointer,
  RandomSource,
  Storage,
} from '@floecat/storage-spi';
import { FakeClock, seededRandom } from '@floecat/storage-testkit';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** The grace and retention of every world that does not say otherwise. */
export const GRACE_MS = HOUR_MS;
export const RETENTION_MS = 7 * DAY_MS;

export interface WorldOptions {
  readonly layout?: Partial<LayoutSettings>;
  readonly settings?: Partial<GcSettings>;
  /** Default: the same for every world. A server that remembers write ids needs one of its own for each. */
  readonly random?: RandomSource;
  readonly open?: (options: {
    readonly clock: FakeClock;
    readonly random: RandomSource;
    readonly layout: Partial<LayoutSettings>;
  }) => Promise<Storage>;
}

/** A store with an account `acme`, a catalog `lake` and a namespace `sales`, and the collectors over it. */
export class World implements AsyncDisposable {
  readonly storage: Storage;
  readonly clock: FakeClock;
  readonly random: RandomSource;
  readonly settings: GcSettings;

  private constructor(storage: Storage, clock: FakeClock, random: RandomSource, settings: GcSettings) {
    this.storage = storage;
    this.clock = clock;
    this.random = random;
    this.settings = settings;
  }

  static async open(options: WorldOptions = {}): Promise<World> {
    const clock = new FakeClock();
    const { random = seededRandom(11) } = options;
    const open = options.open ?? (async (given) => openMemoryStorage(given));
    const storage = await open({ clock, random, layout: options.layout ?? {} });
    // Stores as small as these are mostly garbage once something was dropped.
    const settings = { ...DEFAULT_GC_SETTINGS, maxDeleteRatio: 1, ...options.settings };
    const world = new World(storage, clock, random, settings);
    await world.addAccount('acme');
    return world;
  }

  async addAccount(account: string): Promise<Repositories> {
    const repositories = this.repositories(account);
    await repositories.accounts.ensure(account);
    await repositories.catalogs.create('lake');
    await repositories.namespaces.create('lake', ['sales']);
    return repositories;
  }

  repositories(account = 'acme', storage = this.storage): Repositories {
    const { clock, random } = this;
    return openRepositories(
      repositoryContext(storage, account, {
        clock,
        random,
        cache: { blobBytes: 0 },
        // A writer that stalls is a matter of the grace here, and not of a deadline that comes before it.
        retry: { deadlineMs: 365 * DAY_MS },
      }),
    );
  }

  async addTable(name: string, metadata: string, account = 'acme'): Promise<LoadedTable> {
    const { namespaces, tables } = this.repositories(account);
    const sales = await namespaces.require('lake', ['sales']);
    const staged = await tables.stage(sales, name, { ...NEW_TABLE, metadata: Buffer.from(metadata) });
    return tables.publish(sales, staged);
  }

  async setMetadata(name: string, metadata: string, account = 'acme'): Promise<LoadedTable> {
    const { tables } = this.repositories(account);
    const table = await tables.require('lake', ['sales'], name);
    return tables.replaceMetadata(table, Buffer.from(metadata));
  }

  async metadataOf(name: string, account = 'acme'): Promise<string> {
    const { tables } = this.repositories(account);
    const table = await tables.require('lake', ['sales'], name);
    return Buffer.from(await tables.metadata(table)).toString('utf8');
  }

  /** One run of one collector, over `storage` if given, without these layers of its safety. */
  async collect(
    collector: CollectorName,
    options: CollectOptions & {
      readonly storage?: Storage;
      readonly settings?: Partial<GcSettings>;
      readonly without?: readonly SafetyLayer[];
    } = {},
  ): Promise<RunReport> {
    const { storage = this.storage, settings, without, ...rest } = options;
    const given = { clock: this.clock, random: this.random, only: [collector], ...rest };
    const all = { ...this.settings, ...settings };
    const [result] = without
      ? await collectUnsafely(storage, all, { ...given, without })
      : await collectOnce(storage, all, given);
    assert.ok(result?.ran, 'the collector ran');
    return result.report;
  }

  /** As {@link collect}, of the blobs; fails unless the run was whole. */
  async pass(options: Parameters<World['collect']>[1] = {}): Promise<RunReport['counts']> {
    const report = await this.collect('cas', options);
    assert.equal(report.outcome, 'done', JSON.stringify(report.problems));
    return report.counts;
  }

  /** Every blob version of the accounts. */
  async versions(prefix = '/accounts/'): Promise<BlobVersionListing[]> {
    const found: BlobVersionListing[] = [];
    let pageToken: string | undefined;
    do {
      const page = await this.storage.blobs.listVersions(prefix, pageToken ? { pageToken } : {});
      found.push(...page.versions);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return found;
  }

  async uris(prefix = '/accounts/'): Promise<string[]> {
    return [...new Set((await this.versions(prefix)).map(({ uri }) => uri))];
  }

  async pointers(prefix = ''): Promise<Pointer[]> {
    const found: Pointer[] = [];
    let pageToken: string | undefined;
    do {
      const page = await this.storage.pointers.listPointersByPrefix(prefix, pageToken ? { pageToken } : {});
      found.push(...page.pointers);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return found;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.storage.close();
  }
}

export const NEW_TABLE = {
  tableUuid: 'cc2317c6-1937-45fc-b29f-935ff34bcf22',
  location: 's3://lake/orders',
  metadataLocation: 's3://lake/orders/metadata/v2.metadata.json',
  formatVersion: 2,
  snapshotCount: 0n,
  lastUpdatedMs: 1_700_000_000_000n,
};
