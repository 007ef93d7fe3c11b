import { ownerById, shapeOfKey } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';
import { prefixOf } from '@floecat/storage-spi';

import { callOf } from '../recovery-context.ts';
import type { Applier } from './apply-plans.ts';
import type { NameToImport } from './name-import.ts';
import { importNames, withdrawStaleNames } from './name-import.ts';

const BATCH = 1_000;

/**
 * What the backup holds of an account beside owners: the names that these are to have, and the records of idempotent runs
 * that are not expired.
 */
export async function restoreOtherRows(applier: Applier, account: string): Promise<void> {
  const { options, wanted, context } = applier;
  const { backup, tables } = options;
  if (!backup) return;
  let names: NameToImport[] = [];
  let records: Pointer[] = [];
  const flush = async (): Promise<void> => {
    await putNames(applier, names);
    await putRecords(applier, records);
    names = [];
    records = [];
  };
  for await (const row of backup.pointers(prefixOf('accounts', account), undefined, callOf(context))) {
    const shape = shapeOfKey(row.key);
    if (shape?.is === 'name' && row.kind === 'value' && wanted.take(row.key, row.value)) {
      const owner = ownerById(account, shape.collection, row.value);
      names.push({ owner, row, takenAtMs: row.updatedAt, isProven: true });
    } else if (shape?.is === 'record' && tables === undefined) records.push(row);
    if (names.length + records.length >= BATCH) await flush();
  }
  await flush();
  if (wanted.size > 0)
    applier.tally.problem(
      'name-taken',
      prefixOf('accounts', account),
      `${wanted.size} names of account ${account} are in no row of the backup, although their owners say that they have them: run floecat verify`,
    );
  wanted.clear();
}

async function putNames(applier: Applier, names: readonly NameToImport[]): Promise<void> {
  if (applier.options.dryRun) return;
  await importNames(applier, names);
  await withdrawStaleNames(applier, names, applier.beganAt);
}

async function putRecords({ context, options, tally }: Applier, rows: readonly Pointer[]): Promise<void> {
  const now = context.clock.now();
  const alive = rows.filter(({ expiresAt }) => expiresAt === undefined || expiresAt * 1000 > now);
  if (alive.length === 0) return;
  if (options.dryRun) tally.rows.records += alive.length;
  else {
    const { imported } = await context.storage.pointers.importPointers(alive, 'if-absent', callOf(context));
    tally.rows.records += imported;
  }
}
