import { isDropped, KINDS } from '@floecat/repository';
import { OwnerState as StoredState } from '@floecat/proto/envelope';
import type { Pointer } from '@floecat/storage-spi';

import type { Suspicion } from './finding.ts';
import type { OwnerFacts } from './owner-facts.ts';
import { besideOf, expectedRows, referencesOf } from './owner-facts.ts';

/** What does not hold together of an owner whose root could be read. Looks at facts only. */
export function judgeOwner(
  facts: OwnerFacts,
  { now, graceMs }: { readonly now: number; readonly graceMs: number },
): Suspicion[] {
  const { owner, pointer } = facts;
  const about = { key: owner.key, row: pointer };
  const found: Suspicion[] = [...stateTroubles(facts), ...blobTroubles(facts), ...nameTroubles(facts)];
  found.push(...parentTroubles(facts), ...snapshotTroubles(facts));
  const isUnfinished = pointer.state === 'STAGED' || pointer.state === 'DELETING';
  if (isUnfinished && now - pointer.updatedAt > graceMs)
    found.push({ kind: 'left-behind', ...about, detail: `It is ${pointer.state}.` });
  return found;
}

function stateTroubles({ owner, pointer, root }: OwnerFacts): Suspicion[] {
  const about = { kind: 'state-wrong', key: owner.key, row: pointer } as const;
  const said = StoredState[root.envelope.state];
  if (said !== pointer.state)
    return [{ ...about, detail: `The row is ${pointer.state}, its root says ${said}.` }];
  if (pointer.state === 'TOMBSTONE' && !isDropped(root))
    return [{ ...about, detail: 'It is a TOMBSTONE, and its root holds what was not dropped.' }];
  if ((pointer.state === 'LIVE' || pointer.state === 'STAGED') && isDropped(root))
    return [{ ...about, detail: `It is ${pointer.state}, and its root says that it was dropped.` }];
  return [];
}

function blobTroubles(facts: OwnerFacts): Suspicion[] {
  const { owner, pointer, root, troubles } = facts;
  const found: Suspicion[] = [];
  for (const uri of new Set(referencesOf(facts, root))) {
    const about = { key: owner.key, uri, row: pointer };
    const trouble = troubles.get(uri);
    if (!uri.startsWith(owner.blobPrefix)) found.push({ kind: 'blob-foreign', ...about });
    if (trouble === 'missing') found.push({ kind: 'blob-missing', ...about });
    else if (trouble === 'damaged') found.push({ kind: 'blob-damaged', ...about });
    else if (trouble) found.push({ kind: 'blob-damaged', ...about, detail: trouble.unreadable });
  }
  return found;
}

function nameTroubles({ owner, pointer, root, rows }: OwnerFacts): Suspicion[] {
  const { names } = besideOf(root);
  const about = { key: owner.key, row: pointer };
  if (!isDropped(root) && pointer.state === 'LIVE') {
    const kind = KINDS[owner.collection];
    const own = kind.names(owner.account, root.resource);
    if (kind.owner(owner.account, kind.id(root.resource)).key !== owner.key)
      return [{ kind: 'root-mismatch', ...about, detail: `Its resource is ${kind.id(root.resource)}.` }];
    if (own.length !== names.length || own.some((key) => !names.includes(key)))
      return [{ kind: 'root-mismatch', ...about, detail: 'Its names are not those of its resource.' }];
  }
  return names.flatMap((name): Suspicion[] => {
    const row = rows.get(name);
    if (!row) return [{ kind: 'name-missing', ...about, name, detail: `The name is ${name}.` }];
    if (row.kind === 'value' && row.value === owner.id) return [];
    return [{ kind: 'name-taken', ...about, detail: `The name is ${name}; it leads to ${targetOf(row)}.` }];
  });
}

function parentTroubles({ owner, pointer, root, rows }: OwnerFacts): Suspicion[] {
  const { parent } = besideOf(root);
  const row = parent && rows.get(parent.key);
  if (!parent || (row && row.state !== 'TOMBSTONE')) return [];
  const detail = `${parent.key} ${row ? 'was dropped' : 'does not exist'}.`;
  return [{ kind: 'parent-missing', key: owner.key, row: pointer, detail }];
}

function snapshotTroubles({ owner, pointer, root, rows, stored }: OwnerFacts): Suspicion[] {
  const { parent, sibling } = besideOf(root);
  const about = { key: owner.key, row: pointer };
  // While its table is taken apart, the rows of a snapshot go one by one.
  const state = parent && rows.get(parent.key)?.state;
  const half = sibling && !rows.get(sibling.key) && (state === 'LIVE' || state === 'STAGED');
  const expected = expectedRows(root);
  if (half) return [{ kind: 'snapshot-half', ...about, detail: `${sibling.key} does not exist.` }];
  if (stored === undefined || stored >= expected) return [];
  const detail = `It has ${expected / 2}, and ${stored} of ${expected} rows are there.`;
  return [{ kind: 'snapshot-missing', ...about, detail }];
}

function targetOf(row: Pointer): string {
  return row.kind === 'value' ? row.value : row.blobUri;
}
