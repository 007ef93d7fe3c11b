import type {
  Clock,
  LayoutSettings,
  PointerStore,
  RandomSource,
  StorageObserver,
  StoreLayout,
} from '@floecat/storage-spi';
import {
  DEFAULT_LAYOUT,
  guardPointerStore,
  InvalidArgumentError,
  MAX_SYSTEM_KEY_BYTES,
  STORAGE_FORMAT,
  StorageMisconfiguredError,
  systemClock,
  systemRandom,
} from '@floecat/storage-spi';

import { AwsClients, credentialRefresher } from '../aws-clients.ts';
import type { WireSettings } from '../aws-defaults.ts';
import { CLIENT_TOKEN_WINDOW_MS, DYNAMODB_WIRE, MAX_CLOCK_SKEW_MS } from '../aws-defaults.ts';
import type { AwsSettings } from '../aws-settings.ts';
import type { RetryBudget } from '../wire/retry-budget.ts';
import { Wire } from '../wire/wire.ts';
import { DEFAULT_SHARDS, MAX_SHARDS } from './dynamo-constants.ts';
import { DynamoPointerStore } from './dynamo-pointer-store.ts';
import type { DynamoAdminService } from './dynamo-service.ts';
import { DynamoTable } from './dynamo-table.ts';
import { checkLayout, createLayout, readLayout } from './layout-row.ts';
import { Shards } from './shards.ts';
import { StoreClock } from './store-clock.ts';
import { SystemRows } from './system-rows.ts';
import { SystemShard } from './system-shard.ts';
import { TableAdmin } from './table-admin.ts';
import type { TableStep } from './table-bootstrap.ts';
import { DynamoPointerTableBootstrap } from './table-bootstrap.ts';
import type { TableSettings } from './table-settings.ts';
import { DEFAULT_TABLE } from './table-settings.ts';

export interface DynamoPointersConfig {
  /** Clients to use, which stay open; or settings to make some from, which are closed with the store. */
  readonly aws: AwsClients | AwsSettings;
  /** What to talk to instead of the DynamoDB client of `aws`. Stays open. */
  readonly service?: DynamoAdminService;
  readonly tableName: string;
  /** Makes the table and its layout row where they are missing. Default false. */
  readonly autoCreate?: boolean;
  readonly table?: Partial<TableSettings>;
  /** What must hold in this store; what is left out is as the table has it, or as the defaults for a new one. */
  readonly layout?: Partial<LayoutSettings>;
  /** Identity that a new layout row gets. Default: fresh ids, epoch 1. */
  readonly newStore?: Partial<Pick<StoreLayout, 'storeId' | 'tableId' | 'epoch'>>;
  readonly wire?: Partial<WireSettings>;
  /** Default: the one of the process. */
  readonly budget?: RetryBudget;
  /** Told of every request. */
  readonly observer?: StorageObserver;
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

export interface DynamoPointers {
  /** Guarded. Closing it closes what was made here. */
  readonly pointers: PointerStore;
  /** The store's own rows. Guarded; close it before `pointers`, whose clients it uses. */
  readonly system: PointerStore;
  readonly layout: StoreLayout;
  /** How the table differs from `table`, with auto-create; else empty. Nothing of it was changed. */
  readonly drift: readonly TableStep[];
}

/** The parts of one table's store, before it is opened. What `floecat bootstrap` works with. */
export interface DynamoParts {
  readonly table: DynamoTable;
  readonly bootstrap: DynamoPointerTableBootstrap;
  readonly admin: TableAdmin;
  readonly random: RandomSource;
  readonly clock: Clock;
  /** Ends what was made for this. */
  readonly close: () => Promise<void>;
}

/** Puts the parts together. Makes no request. */
export function dynamoParts(config: DynamoPointersConfig): DynamoParts {
  const { aws, tableName, budget, observer, clock = systemClock, random = systemRandom } = config;
  const settings: WireSettings = { ...DYNAMODB_WIRE, ...config.wire };
  if (settings.deadlineMs > CLIENT_TOKEN_WINDOW_MS)
    throw new InvalidArgumentError(
      `open: the deadline of ${settings.deadlineMs} ms is above ${CLIENT_TOKEN_WINDOW_MS}, for which a transaction can be recognised`,
      { operation: 'open' },
    );
  if (!tableName) throw new InvalidArgumentError('open: no table name is given', { operation: 'open' });
  const shards = config.layout?.shards ?? DEFAULT_SHARDS;
  if (!Number.isInteger(shards) || shards < 1 || shards > MAX_SHARDS)
    throw new InvalidArgumentError(`open: ${shards} shards; there can be 1 to ${MAX_SHARDS}`, {
      operation: 'open',
    });
  const clients = aws instanceof AwsClients ? aws : new AwsClients(aws);
  const service = config.service ?? clients.dynamodb;
  const wire = new Wire({
    clock,
    random,
    settings,
    ...(budget && { budget }),
    ...(observer && { observer }),
    ...(!config.service && { refreshCredentials: credentialRefresher(clients.dynamodb) }),
  });
  const table = new DynamoTable({ service, tableName, wire, clock: new StoreClock(clock), wallClock: clock });
  const admin = new TableAdmin(table, service);
  const bootstrap = new DynamoPointerTableBootstrap({
    admin,
    clock,
    settings: { ...DEFAULT_TABLE, ...config.table },
  });
  const close = async (): Promise<void> => {
    if (clients !== aws) await clients.close();
  };
  return { table, bootstrap, admin, random, clock, close };
}

/**
 * Opens the pointers of a table: verifies it, reads its layout row, and compares our clock with its. Throws
 * `StorageMisconfiguredError` for a table that is missing, of something else, or configured otherwise.
 */
export async function openDynamoPointers(config: DynamoPointersConfig): Promise<DynamoPointers> {
  const parts = dynamoParts(config);
  try {
    const drift = await prepareTable(parts, config.autoCreate ?? false);
    const layout = await layoutOf(parts, config);
    const { table, random, close } = parts;
    const { storeId, shards } = layout;
    const pointers = guardPointerStore(
      new DynamoPointerStore({ table, storeId, shards: new Shards(shards), random, close }),
    );
    const rows = new DynamoPointerStore({
      table,
      storeId,
      shards: new SystemShard(),
      random,
      tokenFamily: 'system',
    });
    const system = guardPointerStore(new SystemRows(rows), { maxKeyBytes: MAX_SYSTEM_KEY_BYTES });
    return { pointers, system, layout, drift };
  } catch (error) {
    await parts.close();
    throw error;
  }
}

async function prepareTable(parts: DynamoParts, autoCreate: boolean): Promise<readonly TableStep[]> {
  const { bootstrap, table } = parts;
  const drift = autoCreate ? await bootstrap.ensure() : [];
  const description = await bootstrap.ready();
  if (!description)
    throw new StorageMisconfiguredError(
      `open: table ${table.name} does not exist in this account and region; make it with floecat bootstrap, or set floecat.kv.auto-create=true`,
      { operation: 'open' },
    );
  checkSkew(parts);
  if (!autoCreate) await bootstrap.verify(description);
  return drift;
}

async function layoutOf(parts: DynamoParts, config: DynamoPointersConfig): Promise<StoreLayout> {
  const { table, admin, random } = parts;
  const wanted = config.layout ?? {};
  let layout = await readLayout(table);
  if (!layout) {
    if (!config.autoCreate)
      throw new StorageMisconfiguredError(
        `open: table ${table.name} has no layout row, so no store was made in it yet; run floecat bootstrap, or set floecat.kv.auto-create=true`,
        { operation: 'open' },
      );
    if (!(await admin.isEmpty())) layout = await lateLayout(table);
    layout ??= await createLayout(table, {
      ...DEFAULT_LAYOUT,
      shards: DEFAULT_SHARDS,
      ...wanted,
      format: STORAGE_FORMAT,
      storeId: config.newStore?.storeId ?? random.uuid(),
      tableId: config.newStore?.tableId ?? random.uuid(),
      epoch: config.newStore?.epoch ?? 1,
    });
  }
  checkLayout(layout, wanted, table.name);
  return layout;
}

/** The table is not empty: another process has just made the layout row, or these are another program's rows. */
async function lateLayout(table: DynamoTable): Promise<StoreLayout> {
  const layout = await readLayout(table);
  if (layout) return layout;
  throw new StorageMisconfiguredError(
    `open: table ${table.name} has rows but no layout row, so it is another program's or damaged; use another table, or restore this one`,
    { operation: 'open' },
  );
}

function checkSkew({ table, clock }: DynamoParts): void {
  const ours = clock.now();
  const theirs = table.clock.now();
  if (Math.abs(theirs - ours) <= MAX_CLOCK_SKEW_MS) return;
  const [here, there] = [ours, theirs].map((time) => new Date(time).toISOString());
  throw new StorageMisconfiguredError(
    `open: this machine's clock says ${here} and DynamoDB's ${there}; they may differ by ${MAX_CLOCK_SKEW_MS} ms, so set the clock`,
    { operation: 'open' },
  );
}
