import { createHash } from 'node:crypto';

import type { OwnerRef } from '@floecat/repository';
import { ownerById } from '@floecat/repository';
import type { OwnerState } from '@floecat/storage-spi';

import { Resolver } from '../../src/history/resolver.ts';
import type { Root } from '../../src/history/root.ts';
import { rowOfRoot } from '../../src/history/root.ts';
import { rootUriIn } from '../../src/history/root-uri.ts';
import type { OwnerFacts } from '../../src/history/standing.ts';
import type { Verdict } from '../../src/history/verdict.ts';

export const A = ownerById('acme', 'tables', 'a');
export const B = ownerById('acme', 'tables', 'b');
export const C = ownerById('acme', 'tables', 'c');

interface Written {
  readonly over?: Root;
  readonly lost?: boolean;
  readonly at?: number;
  readonly state?: OwnerState;
  /** The row may be deleted from here on. */
  readonly ends?: boolean;
  /** The other owners of its transaction, with their versions. */
  readonly with?: readonly (readonly [OwnerRef, number])[];
  readonly incarnation?: string;
}

/** A root of `owner` that the write `writeId` put; without `over` it creates. */
export function rootOf(owner: OwnerRef, writeId: string, written: Written = {}): Root {
  const { over, lost = false, state = 'LIVE', ends = state === 'TOMBSTONE', at } = written;
  const version = (over?.version ?? 0) + 1;
  const digest = createHash('sha256').update(`${owner.key} ${writeId}`).digest('hex');
  const owners = [
    { owner, version },
    ...(written.with ?? []).map(([other, v]) => ({ owner: other, version: v })),
  ];
  return {
    owner,
    uri: rootUriIn(owner, digest),
    digest,
    version,
    writeId,
    incarnation: written.incarnation ?? over?.incarnation ?? writeId,
    ...(over && { previous: { version: over.version, writeId: over.writeId, digest: over.digest } }),
    timeMs: at ?? (over?.timeMs ?? 0) + 1_000,
    state,
    isTombstone: ends,
    mayEnd: ends,
    names: [],
    transaction: {
      writeId,
      owners,
      effects: owners.map(({ owner: { key }, version: v }) => ({ key, version: v })),
    },
    references: [],
    label: owner.id,
    isLost: lost,
  };
}

/** Of these roots; `gone` are those of which no blob is left. */
export function factsOf(
  owner: OwnerRef,
  roots: readonly Root[],
  rows: { readonly backup?: Root; readonly live?: Root } = {},
): OwnerFacts {
  const [backup, live] = [rows.backup, rows.live].map(
    (root) =>
      // A row that a commit put bears the store's time.
      root && { ...rowOfRoot(root), updatedAt: root.timeMs + 1 },
  );
  return {
    owner,
    roots,
    listed: new Set(roots.map(({ uri }) => uri)),
    damaged: new Set(),
    unreadable: [],
    ...(backup && { backup }),
    ...(live && { live }),
  };
}

export interface World {
  readonly collectedBefore?: number;
  readonly decided?: ReadonlyMap<string, 'applied' | 'rejected'>;
  /** Write ids that a name or a record proves. */
  readonly inRows?: readonly string[];
}

/** What each of these owners is, resolved by itself, in a fresh resolver. */
export async function verdictsOf(facts: readonly OwnerFacts[], world: World = {}): Promise<Verdict[]> {
  const byKey = new Map(facts.map((each) => [each.owner.key, each]));
  return Promise.all(
    facts.map((each) =>
      new Resolver({
        read: async (owner) => byKey.get(owner.key) ?? factsOf(owner, []),
        collectedBefore: world.collectedBefore ?? 0,
        ...(world.decided && { decided: world.decided }),
        isProvenByRow: async ({ writeId }) => world.inRows?.includes(writeId) ?? false,
      }).resolve(each),
    ),
  );
}

/** As a line: what it is, and which write it names. */
export function told(verdict: Verdict): string {
  const leftOut =
    verdict.leftOut.length > 0 ? `, without ${verdict.leftOut.map(({ writeId }) => writeId).join(' ')}` : '';
  switch (verdict.is) {
    case 'state':
      return `${verdict.root.writeId} by ${verdict.proof}${leftOut}`;
    case 'ambiguous':
      return `${verdict.candidates.map(({ writeId }) => writeId).join(' or ')}${leftOut}`;
    case 'missing':
      return `missing ${verdict.state?.writeId ?? 'something'}${leftOut}`;
    case 'none':
      return `none${leftOut}`;
  }
}
