import type { GcSettings } from '@floecat/gc';
import { DEFAULT_GC_SETTINGS } from '@floecat/gc';
import type { SafetyLayer } from '@floecat/gc/testing';
import { openRepositories, repositoryContext } from '@floecat/repository';
import type { Clock, LayoutSettings, RandomSource, Storage } from '@floecat/storage-spi';
import { seededRandom } from '@floecat/storage-testkit';

import { FakeBackups } from '../support/fake-backups.ts';
import { Collecting } from './collecting.ts';
import { Ledger } from './ledger.ts';
import { DAY_MS, HOUR_MS, ModelTime } from './model-time.ts';
import { Oracle } from './oracle.ts';
import type { Account, Plan } from './plan.ts';
import { Tally } from './tally.ts';

export const LAKE = 'lake';
/** Two owners that money moves between. */
export const BANKS = ['bank0', 'bank1'] as const;
export const GRACE_MS = HOUR_MS;
export const RETENTION_MS = 7 * DAY_MS;

const LAYOUT: Partial<LayoutSettings> = {
  casGraceMs: GRACE_MS,
  pointerGraceMs: GRACE_MS,
  casRetentionMs: RETENTION_MS,
};

/** Opens the stores of one schedule. */
export type OpenStores = (options: {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly layout: Partial<LayoutSettings>;
}) => Promise<Storage>;

/** What is taken out, to show that it is needed. */
export interface Weakness {
  readonly without: readonly SafetyLayer[];
  /** Writers break the carry-over rule: they do not put what is there already. */
  readonly skipsPuts: boolean;
  /** How long a blob has to be there after the last pointer that led to it, ms. */
  readonly retentionMs: number;
}

export const SOUND: Weakness = { without: [], skipsPuts: false, retentionMs: RETENTION_MS };

/** What all processes of a schedule share, with all that watches them. */
export class ModelWorld {
  readonly storage: Storage;
  readonly time: ModelTime;
  readonly random: RandomSource;
  readonly settings: GcSettings;
  /** Once all is over: mostly in one piece, since small pages take long. */
  readonly restSettings: GcSettings;
  readonly ledger: Ledger;
  readonly oracle: Oracle;
  readonly tally = new Tally();
  readonly backups = new FakeBackups();
  readonly collecting = new Collecting();
  readonly weakness: Weakness;
  /** Of `acme`: the id of its lake, and the canonical keys of the banks. */
  lake = '';
  banks: readonly string[] = [];
  /** What a process met that it never should. */
  failure: unknown;

  private constructor(
    storage: Storage,
    time: ModelTime,
    random: RandomSource,
    plan: Plan,
    weakness: Weakness,
  ) {
    const { pageSize, batchLimit, sliceMs, maxDeleteRatio, tombstoneTtlMs } = plan;
    this.storage = storage;
    this.time = time;
    this.random = random;
    this.weakness = weakness;
    this.ledger = new Ledger();
    const { ledger } = this;
    const { retentionMs } = weakness;
    this.oracle = new Oracle({ storage, time, ledger, retentionMs, tombstoneTtlMs });
    const { idempotency, pointer, cas } = DEFAULT_GC_SETTINGS;
    const every = { pageSize, batchLimit, sliceMs };
    const rest = { ...DEFAULT_GC_SETTINGS, maxDeleteRatio, tombstoneTtlMs };
    this.settings = {
      ...rest,
      idempotency: { ...idempotency, ...every },
      pointer: { ...pointer, ...every },
      cas: { ...cas, ...every },
    };
    this.restSettings = plan.seed % 8 === 0 ? this.settings : rest;
  }

  /** Stores with two accounts, each with a catalog and namespaces, and a table in one. */
  static async open(plan: Plan, open: OpenStores, weakness: Weakness): Promise<ModelWorld> {
    const time = new ModelTime();
    const random = seededRandom(plan.seed);
    const storage = await open({ clock: time.store, random, layout: LAYOUT });
    const world = new ModelWorld(storage, time, random, plan, weakness);
    await world.#fill();
    return world;
  }

  get skipsPuts(): boolean {
    return this.weakness.skipsPuts;
  }

  async #fill(): Promise<void> {
    const of = (account: Account): ReturnType<typeof openRepositories> =>
      openRepositories(
        repositoryContext(this.storage, account, {
          clock: this.time.store,
          random: this.random,
          cache: { blobBytes: 0 },
        }),
      );
    const [acme, beta] = [of('acme'), of('beta')];
    for (const { accounts, catalogs, context } of [acme, beta]) {
      await accounts.ensure(context.account);
      const { owner } = await catalogs.create(LAKE);
      if (context.account === 'acme') this.lake = owner.id;
    }
    const banks: string[] = [];
    for (const name of BANKS)
      banks.push((await acme.catalogs.create(name, { properties: { balance: '10' } })).owner.key);
    this.banks = banks;
    await beta.namespaces.create(LAKE, ['a']);
    await acme.namespaces.create(LAKE, ['b']);
    const namespace = await acme.namespaces.create(LAKE, ['a']);
    this.ledger.intend('first', { text: 'one' });
    const table = { ...FIRST_TABLE, location: 'first', metadata: Buffer.from('one') };
    await this.oracle.pointersMoved();
    const staged = await acme.tables.stage(namespace, 't', table);
    await this.oracle.pointersMoved();
    await acme.tables.publish(namespace, staged);
    await this.oracle.pointersMoved();
  }
}

const FIRST_TABLE = {
  tableUuid: 'first',
  metadataLocation: 's3://lake/a/t/metadata/v1.metadata.json',
  formatVersion: 2,
  snapshotCount: 0n,
  lastUpdatedMs: 1_700_000_000_000n,
};
