import type { OwnerRef } from '@floecat/repository';
import { mapBounded } from '@floecat/storage-spi';

import { isProvenByRow } from '../history/proof-by-row.ts';
import { FactsReader } from '../history/read-facts.ts';
import { Resolver } from '../history/resolver.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import type { OwnerEvidence } from '../walk/owner-evidence.ts';
import type { Plan } from './plan.ts';
import { planFor } from './plan.ts';
import type { RecoverOptions } from './recover-options.ts';
import type { Target } from './target.ts';
import { targetOf } from './target.ts';

const PARALLEL_OWNERS = 32;
const HELD_PARENTS = 256;

/** Plans what is to be done with owners. Changes nothing. */
export class Planner {
  readonly #options: RecoverOptions;
  readonly #reader: FactsReader;
  readonly #resolver: Resolver;
  readonly #parents = new Map<string, Promise<Target>>();

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
    const target = targetOf(verdict, asOf);
    const parent = target.root?.parent;
    const hangsOn = parent && hangsOnTable(owner) ? await this.#parentTarget(parent) : undefined;
    if (!hangsOn) return planFor(found, verdict, target, { rollBack, held: undefined });
    if (hangsOn.root && !hangsOn.root.isTombstone)
      return planFor(found, verdict, target, { rollBack, held: undefined });
    if (hangsOn.doubt)
      return planFor(found, verdict, target, {
        rollBack,
        held: 'the table that it hangs on did not come back: once it has, run this again',
      });
    // The rows of what hangs on a table are deleted with it, and leave no tombstones.
    return planFor(found, verdict, { why: 'its table was dropped' }, { rollBack, held: undefined });
  }

  #parentTarget(parent: OwnerRef): Promise<Target> {
    const held = this.#parents.get(parent.key);
    if (held) return held;
    const target = this.planOwner(parent).then((plan) => plan.target);
    this.#parents.set(parent.key, target);
    if (this.#parents.size > HELD_PARENTS) {
      const [oldest] = this.#parents.keys();
      if (oldest !== undefined) this.#parents.delete(oldest);
    }
    return target;
  }
}

function hangsOnTable({ collection }: OwnerRef): boolean {
  return collection === 'statistics' || collection === 'scan-bundles';
}
