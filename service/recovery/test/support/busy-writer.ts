import { setImmediate } from 'node:timers/promises';

import { create } from '@bufbuild/protobuf';
import { ScanBundleSchema, SnapshotStatisticsSchema } from '@floecat/proto/snapshots';
import type { Repositories } from '@floecat/repository';
import { BlobWriter } from '@floecat/repository';
import type { Storage } from '@floecat/storage-spi';
import type { SeededRandom } from '@floecat/storage-testkit';

import { interceptCalls } from '../../../repository/test/support/store-calls.ts';
import { NEW_TABLE } from '../../../repository/test/support.ts';

const NAMES = 12;

/** How often each is drawn. */
const PLAY = Object.entries({
  'create namespace': 3,
  'drop namespace': 1,
  'rename namespace': 2,
  'drop table': 3,
  'rename table': 3,
  'change table': 9,
  'register table': 9,
}).flatMap(([what, times]) => Array.from({ length: times }, () => what));

/** Every call lets others go first, now and then, as `random` says. */
export function interleaved(storage: Storage, random: SeededRandom): Storage {
  return interceptCalls(storage, async (_call, proceed) => {
    if (random.below(3) === 0) await setImmediate();
    else for (let turns = random.below(12); turns > 0; turns--) await Promise.resolve();
    return proceed();
  });
}

/** One random change of `lake`; what another writer got in the way of is left. */
export async function changeSomething(
  { namespaces, tables, snapshots, context }: Repositories,
  random: SeededRandom,
): Promise<boolean> {
  const levels = [`n${random.below(3)}`];
  const name = `t${random.below(NAMES)}`;
  const other = `t${random.below(NAMES)}`;
  const table = (): ReturnType<typeof tables.require> => tables.require('lake', levels, name);
  const metadata = Buffer.from(`${random.below(9)}`);
  try {
    switch (PLAY[random.below(PLAY.length)]) {
      case 'create namespace':
        await namespaces.create('lake', levels);
        break;
      case 'drop namespace':
        await namespaces.dropAt('lake', levels, { recursive: random.below(2) === 0 });
        break;
      case 'rename namespace':
        await namespaces.rename(await namespaces.require('lake', levels), [`n${random.below(3)}`]);
        break;
      case 'drop table':
        await tables.drop(await table());
        break;
      case 'rename table':
        await tables.rename(await table(), await namespaces.require('lake', [`n${random.below(3)}`]), other);
        break;
      case 'change table':
        await tables.replaceMetadata(await table(), metadata);
        break;
      default: {
        const namespace = await namespaces.require('lake', levels);
        const staged = await tables.stage(namespace, name, { ...NEW_TABLE, metadata, snapshotCount: 1n });
        const tableId = staged.owner.id;
        const statistics = create(SnapshotStatisticsSchema, { tableId, snapshotId: 1n });
        const bundle = create(ScanBundleSchema, { tableId, snapshotId: 1n });
        const writer = new BlobWriter(context);
        await snapshots.createAll(staged, [{ snapshotId: 1n, statistics, bundle, writer }]);
        if (random.below(5) > 0) await tables.publish(namespace, staged);
      }
    }
    return true;
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code === undefined || code === 'STORAGE_CORRUPTION') throw error;
    return false;
  }
}
