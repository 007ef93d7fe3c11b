import { createHash } from 'node:crypto';

import { accountOwner, ownerById, shapeOfKey } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';
import { prefixOf } from '@floecat/storage-spi';

import { GcUnreadableError } from './errors.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';
import type { Candidate, PointerState } from './pointer-state.ts';
import { MAX_CANDIDATE_BYTES, MAX_ORPHANS } from './pointer-state.ts';

type Scan = NonNullable<PointerState['scan']>;

/** A row with the canonical key of what it cannot be without. */
interface Dependent {
  readonly row: Pointer;
  readonly needs: string;
}

/**
 * Scans one page of an account's pointers; the first one also looks at the account's own. Throws `GcUnreadableError`
 * for a key that is not known: a newer version may keep something there that this one would misread.
 */
export async function scanPage(
  context: GcContext,
  account: string,
  scan: Scan,
  known: Readonly<Record<string, number>>,
): Promise<Scan> {
  const { storage, settings, safety, now } = context;
  const graceMs = safety.grace ? storage.layout.pointerGraceMs : 0;
  const call = callOf(context);
  const page = await storage.pointers.listPointersByPrefix(prefixOf('accounts', account), {
    ...call,
    limit: settings.pointer.pageSize,
    ...(scan.pageToken !== undefined && { pageToken: scan.pageToken }),
  });
  const own = scan.rows === 0 ? await storage.pointers.get(accountOwner(account).key, call) : undefined;
  const rows = own ? [own, ...page.pointers] : page.pointers;

  const candidates: Candidate[] = [...scan.candidates];
  const orphans: Record<string, number> = { ...scan.orphans };
  let seen = Object.keys(orphans).length;
  let { left } = scan;
  let bytes = Buffer.byteLength(JSON.stringify(candidates), 'utf8');
  const propose = ({ key, writeId }: Pointer, why: Candidate['why']): void => {
    const candidate = { key, writeId, why };
    const more = Buffer.byteLength(JSON.stringify(candidate), 'utf8');
    if (bytes + more > MAX_CANDIDATE_BYTES) left++;
    else {
      bytes += more;
      candidates.push(candidate);
    }
  };
  const dependents: Dependent[] = [];
  for (const row of rows) {
    const needs = neededBy(row);
    if (needs !== undefined) dependents.push({ row, needs });
    const isUnfinished = row.state === 'STAGED' || row.state === 'DELETING';
    if (isUnfinished && now - row.updatedAt > graceMs) propose(row, 'unfinished');
  }
  for (const row of await orphansOf(context, dependents)) {
    const digest = digestOf(row);
    const since = known[digest] ?? now;
    if (seen < MAX_ORPHANS) {
      orphans[digest] = since;
      seen++;
    }
    if (now - since >= graceMs) propose(row, 'orphan');
  }
  return {
    ...(page.nextPageToken !== undefined && { pageToken: page.nextPageToken }),
    rows: scan.rows + rows.length,
    candidates,
    orphans,
    left,
  };
}

/** Whether `row` is a name without its owner or a child without its parent, as a strong read tells at this moment. */
export async function isOrphan(context: GcContext, row: Pointer): Promise<boolean> {
  const needs = neededBy(row);
  return needs !== undefined && (await orphansOf(context, [{ row, needs }])).length > 0;
}

/** The canonical key of the owner or parent of a row, if it has one. */
function neededBy(row: Pointer): string | undefined {
  const shape = shapeOfKey(row.key);
  switch (shape?.is) {
    case 'canonical':
      if (row.kind === 'blob') return shape.parent?.key;
      break;
    case 'name':
      if (row.kind === 'value') return ownerById(shape.account, shape.collection, row.value).key;
      break;
    case 'record':
      return undefined;
    case undefined:
      break;
  }
  throw new GcUnreadableError(
    `the pointer ${JSON.stringify(row.key)} holding a ${row.kind} is of no shape that this version knows; nothing was deleted. A newer version may have written it: collect with that one`,
    { key: row.key },
  );
}

async function orphansOf(context: GcContext, dependents: readonly Dependent[]): Promise<Pointer[]> {
  const keys = [...new Set(dependents.map(({ needs }) => needs))];
  const found = await context.storage.pointers.getBatch(keys, callOf(context));
  const present = new Set(keys.filter((_, i) => found[i] !== undefined));
  return dependents.filter(({ needs }) => !present.has(needs)).map(({ row }) => row);
}

/** Tells a row, as it is, from every other in the list of orphans. */
export function digestOf({ key, writeId }: Pointer): string {
  return createHash('sha256').update(`${key}\0${writeId}`).digest('hex').slice(0, 16);
}
