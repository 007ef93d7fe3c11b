import type { KeyShape } from '@floecat/repository';
import { accountOwner, ownerById, shapeOfKey } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';
import { isExpired, prefixOf } from '@floecat/storage-spi';

import { sortAccounts } from './accounts.ts';
import { examineName, hasName, troubleOfName } from './examine-name.ts';
import { isRow, readRow } from './examine-owner.ts';
import type { Suspicion } from './finding.ts';
import { findingOf } from './finding.ts';
import { proposeForName } from './propose.ts';
import { fetchRows, readOwners } from './read-owners.ts';
import { walkRows } from './rows.ts';
import type { VerifyRun } from './verify-run.ts';
import type { VerifyPosition } from './verify-state.ts';

const DAY_MS = 24 * 3_600_000;

type NameShape = Extract<KeyShape, { readonly is: 'name' }>;

interface NameRow {
  readonly row: Pointer;
  readonly shape: NameShape;
}

/** Walks all rows of `accounts`, or of the whole store: names, records, and what nobody knows. */
export async function walkAllRows(run: VerifyRun, from: VerifyPosition): Promise<void> {
  const { context, scope, pool, pageSize, onPage } = run;
  const { clock } = context;
  const prefixes = scope.accounts
    ? sortAccounts(scope.accounts).map((account) => prefixOf('accounts', account))
    : [''];
  for (const [i, prefix] of prefixes.entries()) {
    if (i < from.account) continue;
    const after = i === from.account ? from.afterKey : undefined;
    if (scope.accounts && after === undefined) await lookAtDirectory(run, i);
    for await (const page of walkRows(context, prefix, pageSize, after)) {
      if ('damaged' in page) {
        await tellDamaged(run, page.damaged);
        continue;
      }
      await lookAtPage(run, page.rows, clock.now());
      const last = page.rows.at(-1);
      if (!last) continue;
      await pool.drain();
      await onPage({ phase: 'rows', account: i, afterKey: last.key });
    }
  }
  await pool.drain();
}

/** The row of an account stands outside its own prefix. */
async function lookAtDirectory(run: VerifyRun, index: number): Promise<void> {
  const account = sortAccounts(run.scope.accounts ?? [])[index] ?? '';
  const row = await readRow(run.context, accountOwner(account).key);
  if (row && isRow(row)) run.tally.count({ rows: 1 });
  else if (row) await tellDamaged(run, row.key);
}

async function lookAtPage(run: VerifyRun, rows: readonly Pointer[], now: number): Promise<void> {
  const { tally, sample } = run;
  tally.count({ rows: rows.length });
  const names: NameRow[] = [];
  for (const row of rows) {
    const shape = shapeOfKey(row.key);
    // Canonical rows were looked at with their blobs.
    if (shape?.is === 'canonical') continue;
    if (shape?.is === 'record') await lookAtRecord(run, row, now);
    else if (!shape) await tellUnknown(run, row);
    else if (sample.has(row.key)) names.push({ row, shape });
  }
  tally.count({ names: names.length });
  await lookAtNames(run, names);
}

/** Names whose owner, read in two round trips for all of them, has them are fine; every other is examined. */
async function lookAtNames(run: VerifyRun, names: readonly NameRow[]): Promise<void> {
  const { context, pool } = run;
  const ownerOf = ({ row, shape }: NameRow): ReturnType<typeof ownerById> =>
    ownerById(shape.account, shape.collection, row.kind === 'value' ? row.value : '');
  const owners = new Map(names.map((name) => [ownerOf(name).key, ownerOf(name)]));
  const keys = [...owners.keys()];
  const rows = await fetchRows(context, keys);
  const listed = keys.flatMap((key) => {
    const [owner, pointer] = [owners.get(key), rows.get(key)];
    return owner && pointer ? [{ owner, pointer }] : [];
  });
  const read = new Map((await readOwners(context, listed)).map((each) => [each.owner.key, each]));
  for (const name of names) {
    const owner = read.get(ownerOf(name).key);
    const isFine =
      !troubleOfName(name.row) &&
      owner?.root &&
      owner.pointer.state !== 'TOMBSTONE' &&
      hasName(owner.root, name.row.key);
    if (!isFine) await pool.add(() => examineAndTellName(run, name));
  }
}

async function examineAndTellName({ context, tally }: VerifyRun, { row, shape }: NameRow): Promise<void> {
  const { found, owner } = await examineName(context, row.key, shape);
  for (const suspicion of found) {
    const value = suspicion.row?.kind === 'value' ? suspicion.row.value : undefined;
    const ownerKey = value === undefined ? undefined : ownerById(shape.account, shape.collection, value).key;
    await tally.tell(proposeForName(suspicion, ownerKey, owner));
  }
}

async function lookAtRecord({ tally }: VerifyRun, row: Pointer, now: number): Promise<void> {
  tally.count({ records: 1 });
  const about = { key: row.key, row };
  if (row.expiresAt === undefined)
    return tally.tell(
      findingOf({ kind: 'record-endless', ...about }, 'Delete it once nobody repeats its run.'),
    );
  if (!isExpired(row, now)) return;
  tally.count({ expiredRecords: 1 });
  if (now - row.expiresAt * 1000 > DAY_MS)
    await tally.tell(findingOf({ kind: 'record-expired', ...about }, 'floecat gc run reaps it.'));
}

async function tellUnknown({ context, tally }: VerifyRun, row: Pointer): Promise<void> {
  const again = await readRow(context, row.key);
  if (!again) return;
  const suspicion: Suspicion = { kind: 'unknown-key', key: row.key, row };
  await tally.tell(
    findingOf(suspicion, 'Find out who wrote it. If a newer version did, verify and collect with that one.'),
  );
}

async function tellDamaged({ context, tally }: VerifyRun, key: string): Promise<void> {
  const again = await readRow(context, key);
  if (!again || isRow(again)) return;
  await tally.tell(findingOf(again, 'Restore it from a backup: floecat restore.'));
}
