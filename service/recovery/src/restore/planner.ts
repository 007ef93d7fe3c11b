import type { OwnerRef } from '@floecat/repository';
import { shapeOfKey } from '@floecat/repository';
import { mapBounded } from '@floecat/storage-spi';

import { isProvenByRow } from '../history/proof-by-row.ts';
import { FactsReader } from '../history/read-facts.ts';
import { Resolver } from '../history/resolver.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import type { OwnerEvidence } from '../walk/owner-evidence.ts';
import type { Plan } from './plan.ts';
import { planFor } from './plan.ts';
import type { RecoverOptions } from './recover-options.ts';
import { targetOf } from './target.ts';

const PARALLEL_OWNERS = 32;
const HELD_TABLES = 256;

/** Plans what is to be done with owners. Changes nothing. */
export class Planner {
  readonly #options: RecoverOptions;
  readonly #reader: FactsReader;
  readonly #resolver: Resolver;
  readonly #tables = new Map<string, Promise<Plan>>();

  constructor(context: RecoveryContext, options: RecoverOptions) {
    const { backup, asOf, decided } = options;
    const { casGraceMs, casRetentionMs } = context.storage.layout;
    this.#options = options;
    this.#reader = new FactsReader(context, {
      ...(backup && { backup, backupStartedAt: backup.startedAt }),
      trustLive: asOf === undefined,
    });
    this.#resolver = new Resolver({
      read: async (owner) => (await this.#reader.read(owner)).facts,
      isProvenByRow: (root) => isProvenByRow(context, backup, root),
      collectedBefore: context.clock.now() - casGraceMs - casRetentionMs,
      ...(decided && { decided }),
    });
  }

  /** In the order of `batch`. */
  async plan(batch: readonly OwnerEvidence[]): Promise<Plan[]> {
    this.#reader.prime(batch);
    return mapBounded(batch, PARALLEL_OWNERS, ({ owner }) => this.planOwner(owner));
  }

  async planOwner(owner: OwnerRef): Promise<Plan> {
    const { asOf, rollBack = false } = this.#options;
    const found = await this.#reader.read(owner);
    const verdict = await this.#resolver.resolve(found.facts);
    const table = tableOf(owner);
    const hangsOn = table && (await this.#planOfTable(table));
    const target = targetOf(verdict, asOf, asOf !== undefined && hangsOn !== undefined && isEnded(hangsOn));
    if (!table || !hangsOn || !target.root)
      return planFor(found, verdict, target, { rollBack, held: undefined });
    const { root, doubt } = hangsOn.target;
    if (root && !root.isTombstone) return planFor(found, verdict, target, { rollBack, held: undefined });
    if (doubt) {
      const held = 'the table that it hangs on did not come back: once it has, run this again';
      return planFor(found, verdict, target, { rollBack, held });
    }
    // The rows of what hangs on a table are deleted with it, and leave no tombstones.
    const { live } = found.facts;
    const action = live ? ({ is: 'remove', live, table } as const) : ({ is: 'nothing' } as const);
    return { ...found, verdict, target: { why: 'its table was dropped' }, action };
  }

  #planOfTable(table: OwnerRef): Promise<Plan> {
    const held = this.#tables.get(table.key);
    if (held) return held;
    const plan = this.planOwner(table);
    this.#tables.set(table.key, plan);
    if (this.#tables.size > HELD_TABLES) {
      const [oldest] = this.#tables.keys();
      if (oldest !== undefined) this.#tables.delete(oldest);
    }
    return plan;
  }
}

/** Whether nothing of it is live, by its newest state. */
function isEnded({ verdict }: Plan): boolean {
  return verdict.is === 'none' || (verdict.is === 'state' && verdict.root.isTombstone);
}

/** What hangs on a table has no life of its own. */
function tableOf({ key }: OwnerRef): OwnerRef | undefined {
  const shape = shapeOfKey(key);
  return shape?.is === 'canonical' ? shape.parent : undefined;
}
