import { createHash } from 'node:crypto';

import type { Pointer } from '@floecat/storage-spi';

import type { Root } from '../history/root.ts';
import type { OwnerFacts } from '../history/standing.ts';
import type { Verdict } from '../history/verdict.ts';

/** A name that an owner has in a state. */
export interface StateName {
  readonly key: string;
  /** The row that leads from it to the owner, as far as roots tell it. */
  readonly row: Pointer;
  /** Whether the root that took the name is known, and so the row's write id. */
  readonly isExact: boolean;
  /** Epoch ms, by the writer's clock: when it was taken, or else the earliest time for which it is known. */
  readonly takenAtMs: number;
  /** Whether a state that was certainly committed has it. */
  readonly isProven: boolean;
}

/** The names of an owner in the state that `root` is. */
export function namesOf(
  root: Root,
  { facts, verdict }: { readonly facts: OwnerFacts; readonly verdict: Verdict },
): StateName[] {
  if (root.names.length === 0) return [];
  const byWriteId = new Map(facts.roots.map((each) => [each.writeId, each]));
  return root.names.map(({ key, version }) => {
    let earliest = root;
    let taker: Root | undefined;
    for (let at: Root | undefined = root; at && !taker;) {
      if (!at.names.some((name) => name.key === key)) break;
      earliest = at;
      const takes = at.transaction.effects.some(
        (effect) => effect.key === key && effect.version > 0 && effect.value === root.owner.id,
      );
      if (takes) taker = at;
      at = at.previous && byWriteId.get(at.previous.writeId);
    }
    const isSole = verdict.is === 'state' && verdict.root === root && verdict.proof === 'sole-tip';
    const takenAtMs = (taker ?? earliest).timeMs;
    const writeId = taker?.writeId ?? idFor(root, key);
    return {
      key,
      row: {
        key,
        version,
        kind: 'value',
        value: root.owner.id,
        writeId,
        incarnation: writeId,
        updatedAt: takenAtMs,
      },
      isExact: taker !== undefined,
      takenAtMs,
      isProven: earliest !== root || !isSole,
    };
  });
}

/** A write id where the real one is lost: always the same, so that a restore that is repeated writes the same row. */
function idFor({ incarnation }: Root, key: string): string {
  const hex = createHash('sha256').update(`${incarnation}\n${key}`).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
