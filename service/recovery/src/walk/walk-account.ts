import type { Collection } from '@floecat/repository';
import { compareUtf8 } from '@floecat/storage-spi';

import type { RecoveryContext } from '../recovery-context.ts';
import type { OwnerEvidence } from './owner-evidence.ts';
import type { OwnersOf } from './walk-owners.ts';
import { walkOwners } from './walk-owners.ts';

/** Parents before what lies in them; what hangs on tables last. */
const BY_ID: readonly Collection[] = ['accounts', 'catalogs', 'namespaces', 'tables', 'views'];

/**
 * Every owner of an account, in batches, each batch of one collection; but statistics and scan bundles come together, as
 * their snapshots follow, since they were committed together.
 */
export async function* walkAccount(
  context: RecoveryContext,
  where: Omit<OwnersOf, 'collection' | 'table'>,
): AsyncGenerator<readonly OwnerEvidence[]> {
  for (const collection of BY_ID) yield* walkOwners(context, { ...where, collection });
  yield* walkSnapshots(context, where);
}

/** What hangs on the tables of an account, or on one of them. */
export async function* walkSnapshots(
  context: RecoveryContext,
  where: Omit<OwnersOf, 'collection'>,
): AsyncGenerator<readonly OwnerEvidence[]> {
  const streams = (['statistics', 'scan-bundles'] as const).map((collection) =>
    walkOwners(context, { ...where, collection }),
  );
  try {
    const heads = await Promise.all(streams.map(batchOf));
    for (;;) {
      const [first = [], second = []] = heads;
      const ends = [first, second].flatMap((batch) => batch.at(-1)?.owner.id ?? []);
      if (ends.length === 0) return;
      // Neither stream has anything more up to here.
      const end = ends.reduce((a, b) => (compareUtf8(a, b) < 0 ? a : b));
      const cuts = heads.map((batch) => {
        const at = batch.findIndex(({ owner }) => compareUtf8(owner.id, end) > 0);
        return at < 0 ? batch.length : at;
      });
      yield heads.flatMap((batch, i) => batch.slice(0, cuts[i]));
      for (const [i, batch] of heads.entries()) {
        const rest = batch.slice(cuts[i]);
        heads[i] =
          rest.length > 0 ? rest : await batchOf(streams[i] as AsyncGenerator<readonly OwnerEvidence[]>);
      }
    }
  } finally {
    for (const stream of streams) await stream.return(undefined);
  }
}

async function batchOf(stream: AsyncGenerator<readonly OwnerEvidence[]>): Promise<readonly OwnerEvidence[]> {
  const result = await stream.next();
  return result.done ? [] : result.value;
}
