import type { KeyShape } from '@floecat/repository';
import { ownerById } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';

import type { RecoveryContext } from '../recovery-context.ts';
import { isRow, readBlob, readRow } from './examine-owner.ts';
import type { Suspicion } from './finding.ts';
import type { Root } from './owner-facts.ts';
import { isRoot, rootIn, rootUriOf, troubleOfRow } from './owner-facts.ts';

const MAX_LOOKS = 16;

type NameShape = Extract<KeyShape, { readonly is: 'name' }>;

export interface NameExam {
  readonly found: readonly Suspicion[];
  /** The row of what the name leads to, if there is one. */
  readonly owner?: Pointer;
}

/** What a name's row says by itself. */
export function troubleOfName(row: Pointer): Suspicion | undefined {
  const about = { key: row.key, row };
  if (row.kind !== 'value') return { kind: 'row-mistaken', ...about };
  if (row.state === undefined && row.expiresAt === undefined) return undefined;
  const what = row.state === undefined ? 'It expires' : `It is ${row.state}`;
  return { kind: 'state-wrong', ...about, detail: `${what}, and it is the row of a name.` };
}

/** Whether an owner, as its row and root say, has the name `key`. */
export function hasName(root: Root, key: string): boolean {
  return root.envelope.names.some((name) => name.key === key);
}

/**
 * Looks at one name with strong reads until it and what it leads to stand still. An owner that cannot be read has a
 * finding of its own, and its names none.
 */
export async function examineName(
  context: RecoveryContext,
  key: string,
  shape: NameShape,
): Promise<NameExam> {
  for (let look = 1; look <= MAX_LOOKS; look++) {
    const row = await readRow(context, key);
    if (row === undefined) return { found: [] };
    if (!isRow(row)) return { found: [row] };
    const wrong = troubleOfName(row);
    if (wrong || row.kind !== 'value') return { found: wrong ? [wrong] : [] };
    const ownerKey = ownerById(shape.account, shape.collection, row.value).key;
    const owner = await readRow(context, ownerKey);
    if (owner && !isRow(owner)) return { found: [] };
    const suspicion = await suspect(context, shape, row, row.value, owner);
    if (!suspicion) return { found: [] };
    const again = await readRow(context, key);
    const ownerAgain = await readRow(context, ownerKey);
    if (isSame(row, again) && isSame(owner, ownerAgain))
      return { found: [suspicion], ...(owner && { owner }) };
  }
  // What is moved all the time is in use.
  return { found: [] };
}

async function suspect(
  context: RecoveryContext,
  { account, collection }: NameShape,
  row: Pointer,
  id: string,
  owner: Pointer | undefined,
): Promise<Suspicion | undefined> {
  const ref = ownerById(account, collection, id);
  const about = { key: row.key, row };
  if (!owner)
    return { kind: 'name-dangling', ...about, detail: `It leads to ${ref.key}, which does not exist.` };
  if (owner.state === 'TOMBSTONE')
    return { kind: 'name-dangling', ...about, detail: `It leads to ${ref.key}, which was dropped.` };
  if (troubleOfRow(owner)) return undefined;
  const blob = await readBlob(context, rootUriOf(owner));
  if (blob === 'missing' || blob === 'damaged') return undefined;
  const root = rootIn(ref, owner, blob);
  if (!isRoot(root) || hasName(root, row.key)) return undefined;
  const names = root.envelope.names.map(({ key }) => key).join(', ') || 'no name';
  return { kind: 'name-stale', ...about, detail: `It leads to ${ref.key}, which has ${names}.` };
}

function isSame(before: Pointer | undefined, now: Pointer | Suspicion | undefined): boolean {
  if (before === undefined || now === undefined) return before === now;
  return isRow(now) && now.writeId === before.writeId;
}
