import type { OwnerRef } from '@floecat/repository';
import { shapeOfKey } from '@floecat/repository';
import type { BatchOperation, Pointer } from '@floecat/storage-spi';

import { rescueBlob } from '../blobs/rescue-blob.ts';
import { callOf } from '../recovery-context.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import { examineName } from './examine-name.ts';
import { examineOwner, isRow, readBlob, readRow } from './examine-owner.ts';
import { referencesOf, rootUriOf } from './owner-facts.ts';
import type { Repair } from './repair.ts';
import type { Applied } from './repair-plan.ts';
import { buryAgain, rollBack } from './roll-back.ts';

/** Does one repair, if what it is about is still as it was seen. Repeating it changes nothing more. */
export async function applyRepair(context: RecoveryContext, repair: Repair): Promise<Applied> {
  switch (repair.do) {
    case 'rescue-blob':
      return applyRescue(context, repair);
    case 'add-name':
      return addName(context, repair);
    case 'delete-name':
      return deleteName(context, repair);
    case 'roll-back':
      return rollBack(context, ownerOf(repair.owner), repair);
    case 'bury-again':
      return buryAgain(context, ownerOf(repair.owner), repair);
  }
}

async function applyRescue(
  context: RecoveryContext,
  { uri, owner: seen }: Extract<Repair, { readonly do: 'rescue-blob' }>,
): Promise<Applied> {
  const blob = await readBlob(context, uri);
  if (blob !== 'missing' && blob !== 'damaged') return { outcome: 'already', what: uri };
  const row = await readRow(context, seen.key);
  if (!row || !isRow(row)) return { outcome: 'changed', what: uri, because: `${seen.key} is gone` };
  if (row.writeId !== seen.writeId && !(await reaches(context, row, uri)))
    return { outcome: 'changed', what: uri, because: `${seen.key} has moved on and does not need it` };
  const header = await rescueBlob(context, uri);
  return header
    ? { outcome: 'repaired', what: uri, was: blob, now: { versionId: header.versionId } }
    : { outcome: 'failed', what: uri, because: 'no whole version is left any more' };
}

async function reaches(context: RecoveryContext, row: Pointer, uri: string): Promise<boolean> {
  const owner = ownerOf(row);
  const { root } = await examineOwner(context, owner, false);
  return rootUriOf(row) === uri || (root !== undefined && referencesOf({ owner }, root).includes(uri));
}

async function addName(
  context: RecoveryContext,
  { name, id, rivals, owner }: Extract<Repair, { readonly do: 'add-name' }>,
): Promise<Applied> {
  const { pointers } = context.storage;
  const operations: BatchOperation[] = [
    { op: 'check', key: owner.key, expected: owner },
    ...rivals.map((key): BatchOperation => ({ op: 'check-absent', key })),
    { op: 'upsert', key: name, expected: 0, next: { kind: 'value', value: id } },
  ];
  const result = await pointers.compareAndSetBatch(operations, callOf(context));
  if (result.applied) return { outcome: 'repaired', what: name, now: result.pointers.at(-1) };
  const taken = result.outcomes.at(-1);
  const current = taken && !taken.ok ? taken.current : undefined;
  if (current?.kind === 'value' && current.value === id) return { outcome: 'already', what: name };
  const because = current
    ? 'the name was taken'
    : result.outcomes[0]?.ok === true
      ? 'another kind of resource has the name'
      : `${owner.key} has moved on`;
  return { outcome: 'changed', what: name, because };
}

async function deleteName(
  context: RecoveryContext,
  { row, ownerKey, owner }: Extract<Repair, { readonly do: 'delete-name' }>,
): Promise<Applied> {
  const shape = shapeOfKey(row.key);
  const now = await readRow(context, row.key);
  if (!now) return { outcome: 'already', what: row.key };
  const exam = shape?.is === 'name' ? await examineName(context, row.key, shape) : { found: [] };
  const leadsNowhere = exam.found.some(({ kind }) => kind === 'name-dangling' || kind === 'name-stale');
  if (!leadsNowhere) return { outcome: 'changed', what: row.key, because: 'it leads to what has this name' };
  const result = await context.storage.pointers.compareAndSetBatch(
    [
      owner ? { op: 'check', key: ownerKey, expected: owner } : { op: 'check-absent', key: ownerKey },
      { op: 'delete', key: row.key, expected: row },
    ],
    callOf(context),
  );
  if (result.applied) return { outcome: 'repaired', what: row.key, was: row };
  return { outcome: 'changed', what: row.key, because: 'it, or what it leads to, is not as it was seen' };
}

function ownerOf({ key }: Pointer): OwnerRef {
  const shape = shapeOfKey(key);
  if (shape?.is !== 'canonical') throw new TypeError(`${key} is the row of no owner`);
  return shape.owner;
}
