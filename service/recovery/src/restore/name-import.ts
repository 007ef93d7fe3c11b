import type { OwnerRef } from '@floecat/repository';
import { ownerById, shapeOfKey } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';

import { parseRoot } from '../history/root.ts';
import { TransactionPool } from '../history/transaction-pool.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import { callOf } from '../recovery-context.ts';
import { namesOf } from './names-of.ts';
import type { Tally } from './outcome.ts';
import type { Plan } from './plan.ts';

/** A name that is to lead to an owner. */
export interface NameToImport {
  readonly owner: OwnerRef;
  readonly row: Pointer;
  /** Epoch ms: when it was taken, as far as is known. */
  readonly takenAtMs: number;
  /** The owner certainly had it, once. */
  readonly isProven: boolean;
}

export interface NameImport {
  readonly context: RecoveryContext;
  readonly tally: Tally;
  /** What another owner is to be. */
  readonly planOwner: (owner: OwnerRef) => Promise<Plan>;
}

/**
 * Puts names in place whose owners are. Where a name leads to another owner, the one that certainly had it has it, and of
 * two, the one that took it last, since it was free then. Of two that may never have had it, the later is likelier: who
 * creates something and fails tries it again.
 */
export async function importNames(
  { context, tally, planOwner }: NameImport,
  names: readonly NameToImport[],
): Promise<void> {
  if (names.length === 0) return;
  const { pointers } = context.storage;
  const call = callOf(context);
  const byKey = new Map(names.map((name) => [name.row.key, name]));
  // Two owners of one batch that claim one name: each by itself, so that the second meets the first.
  const doubles = names.filter((name) => byKey.get(name.row.key) !== name);
  for (const part of [[...byKey.values()], ...doubles.map((name) => [name])]) {
    const { imported, left } = await pointers.importPointers(
      part.map(({ row }) => row),
      'if-lower',
      call,
    );
    tally.rows.names += imported;
    for (const { key, current } of left) {
      const name = part.find(({ row }) => row.key === key) as NameToImport;
      if (current.kind === 'value' && current.value !== name.owner.id) await settleName(name, current);
    }
  }

  async function settleName(name: NameToImport, current: Pointer): Promise<void> {
    const { key } = name.row;
    const other = holderOf(current);
    const plan = other && (await planOwner(other));
    const { root } = plan?.target ?? {};
    const theirs = plan && root && namesOf(root, plan).find((each) => each.key === key);
    const isOurs =
      !theirs || (theirs.isProven === name.isProven ? theirs.takenAtMs < name.takenAtMs : name.isProven);
    const loser = isOurs ? other : name.owner;
    if (theirs)
      tally.problem(
        'name-taken',
        key,
        `${name.owner.key} and ${other?.key} both say that they have it; it is given to ${(isOurs ? name.owner : other)?.key}, and ${loser?.key} has none`,
      );
    if (!isOurs) return;
    const { applied } = await pointers.compareAndDelete(key, current, call);
    if (!applied) return;
    const { imported } = await pointers.importPointers([name.row], 'if-lower', call);
    tally.rows.names += imported;
  }
}

/**
 * Takes back names that were put in place while their owners gave them up: a writer goes on meanwhile. `since` is epoch ms by
 * the store's clock: rows that were written before were restored.
 */
export async function withdrawStaleNames(
  { context }: Pick<NameImport, 'context'>,
  names: readonly NameToImport[],
  since: number,
): Promise<void> {
  if (names.length === 0) return;
  const { pointers } = context.storage;
  const call = callOf(context);
  const owners = new Map(names.map(({ owner }) => [owner.key, owner]));
  const rows = await pointers.getBatch([...owners.keys()], call);
  for (const row of rows) {
    if (!row || row.updatedAt < since) continue;
    const owner = owners.get(row.key) as OwnerRef;
    const bears = await namesNow(context, owner, row);
    for (const { row: name } of names.filter((each) => each.owner.key === owner.key)) {
      if (bears.has(name.key)) continue;
      const now = await pointers.get(name.key, call);
      if (now?.writeId === name.writeId) await pointers.compareAndDelete(name.key, now, call);
    }
  }
}

/**
 * Deletes the names that owners have by their rows as they are, and not by the states that these are to lead to. Answers the
 * rows that are gone, each with its owner.
 */
export async function giveUpNames(
  { context }: Pick<NameImport, 'context'>,
  plans: readonly Plan[],
): Promise<readonly { readonly owner: OwnerRef; readonly row: Pointer }[]> {
  const { pointers } = context.storage;
  const call = callOf(context);
  const given = plans.flatMap(({ action, facts }) => {
    if (action.is !== 'import' || !facts.live) return [];
    const { root, row } = action;
    const before = facts.roots.find(({ writeId }) => writeId === facts.live?.writeId);
    const kept = new Set(root.names.map(({ key }) => key));
    const lost = before?.names.filter(({ key }) => !kept.has(key)) ?? [];
    return row.incarnation === facts.live.incarnation
      ? lost.map(({ key }) => ({ owner: root.owner, key }))
      : [];
  });
  if (given.length === 0) return [];
  const rows = await pointers.getBatch(
    given.map(({ key }) => key),
    call,
  );
  const gone: { readonly owner: OwnerRef; readonly row: Pointer }[] = [];
  for (const [i, { owner }] of given.entries()) {
    const row = rows[i];
    if (row?.kind !== 'value' || row.value !== owner.id) continue;
    if ((await pointers.compareAndDelete(row.key, row, call)).applied) gone.push({ owner, row });
  }
  return gone;
}

async function namesNow(
  { storage, ...context }: RecoveryContext,
  owner: OwnerRef,
  row: Pointer,
): Promise<ReadonlySet<string>> {
  if (row.kind !== 'blob') return new Set();
  const blob = await storage.blobs.get(row.blobUri, callOf(context));
  return new Set(parseRoot(owner, blob, new TransactionPool()).names.map(({ key }) => key));
}

function holderOf(row: Pointer): OwnerRef | undefined {
  const shape = shapeOfKey(row.key);
  if (shape?.is !== 'name' || row.kind !== 'value') return undefined;
  return ownerById(shape.account, shape.collection, row.value);
}
