import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { collectOnce, DEFAULT_GC_SETTINGS } from '@floecat/gc';
import type { RecoveryContext } from '@floecat/recovery';
import type { LoadedTable, Repositories } from '@floecat/repository';
import { openRepositories, repositoryContext, snapshotOwner } from '@floecat/repository';
import { openMemoryStorage } from '@floecat/storage-memory';
import type { Clock } from '@floecat/storage-spi';
import { FakeClock, seededRandom } from '@floecat/storage-testkit';

import { changeSomething, interleaved } from '../support/busy-writer.ts';
import { examineName } from '../../src/verify/examine-name.ts';
import { examineOwner } from '../../src/verify/examine-owner.ts';
import { MEMORY } from '../support/backends.ts';
import { interceptCalls } from '../../../repository/test/support/store-calls.ts';
import type { VerifyWorld } from '../support/verify-world.ts';
import { openVerifyWorld, told, verified } from '../support/verify-world.ts';

const SOAK = process.env['FLOECAT_SOAK'] !== undefined;
const SEEDS = SOAK ? 100 : 2;
const WRITERS = 3;
const RUNS = 3;
const CHANGES = 40;
/** Short, so that collectors take much while a run is under way. */
const GRACE_MS = 2_000;
const LAYOUT = { pointerGraceMs: GRACE_MS, casGraceMs: GRACE_MS, casRetentionMs: GRACE_MS };
const SETTINGS = { ...DEFAULT_GC_SETTINGS, maxDeleteRatio: 1, tombstoneTtlMs: GRACE_MS };

/** Changes that pass between two reads of a run, each of which leaves the store whole. */
const CHANGES_BETWEEN: Readonly<Record<string, (world: VerifyWorld) => Promise<unknown>>> = {
  'a rename': async ({ world }) => {
    const { tables, namespaces } = world.repositories;
    await tables.rename(
      await tables.require('lake', ['hr'], 'chunked'),
      await namespaces.require('lake', ['sales']),
      'c',
    );
  },
  'a drop, and a collector': async (world) => {
    const { tables } = world.world.repositories;
    await tables.drop(await tables.require('lake', ['hr'], 'chunked'));
    await collectAll(world);
  },
  'new metadata, and a collector': async (world) => {
    const { tables } = world.world.repositories;
    await tables.replaceMetadata(await tables.require('lake', ['hr'], 'chunked'), Buffer.from('newer'));
    await collectAll(world);
  },
  'a recursive drop': async ({ world }) => {
    await world.repositories.namespaces.dropAt('lake', ['hr'], { recursive: true });
  },
};

async function collectAll({ fixture, context }: VerifyWorld): Promise<void> {
  const { clock, storage } = fixture;
  for (let pass = 0; pass < 3; pass++) {
    clock.advance(storage.layout.casGraceMs + storage.layout.casRetentionMs);
    await collectOnce(storage, SETTINGS, { clock, random: context.random });
  }
}

/** Runs `look` on a fresh store time after time, the change ahead of another one of its calls each time. */
async function sweep(
  change: (world: VerifyWorld) => Promise<unknown>,
  stride: number,
  look: (context: RecoveryContext, world: VerifyWorld) => Promise<readonly { readonly kind: string }[]>,
): Promise<number> {
  let calls = Infinity;
  for (let nth = 0; nth <= calls; nth += stride) {
    await using world = await openVerifyWorld(MEMORY[1], ({ repositories: { namespaces } }) =>
      namespaces.create('lake', ['hr']),
    );
    let made = 0;
    const storage = interceptCalls(world.context.storage, async (_call, proceed) => {
      if (made++ === nth) await change(world);
      return proceed();
    });
    const found = await look({ ...world.context, storage }, world);
    assert.deepEqual(found, [], `a change ahead of call ${nth}`);
    calls = made;
  }
  return calls;
}

function chunkedTable({ world }: VerifyWorld): Promise<LoadedTable> {
  return world.repositories.tables.require('lake', ['hr'], 'chunked');
}

suite('no false alarm whatever passes between two reads', () => {
  for (const [name, change] of Object.entries(CHANGES_BETWEEN)) {
    test(`${name}, in a run`, async () => {
      const calls = await sweep(change, SOAK ? 1 : 4, async (context) => {
        return (await verified(context, { concurrency: 1 })).findings;
      });
      assert.ok(calls > 15, `${calls} calls`);
    });

    test(`${name}, in a close look`, async () => {
      const looks = [
        async (context: RecoveryContext, world: VerifyWorld) => {
          const { owner } = await chunkedTable(world);
          return (await examineOwner(context, owner, true)).found;
        },
        async (context: RecoveryContext, world: VerifyWorld) => {
          const { owner } = await chunkedTable(world);
          const bundle = snapshotOwner('acme', owner.id, 7n, 'scan-bundle');
          return (await examineOwner(context, bundle, true)).found;
        },
        async (context: RecoveryContext, world: VerifyWorld) => {
          const key = (await chunkedTable(world)).envelope.names[0]?.key ?? '';
          const shape = { is: 'name', account: 'acme', collection: 'tables' } as const;
          return (await examineName(context, key, shape)).found;
        },
      ];
      for (const look of looks) assert.ok((await sweep(change, 1, look)) >= 3);
    });
  }
});

suite('no false alarm while writers and collectors go on', () => {
  for (let seed = 1; seed <= SEEDS; seed++)
    test(`seed ${seed}`, async () => {
      const time = new FakeClock();
      // Waiting takes no time; the collector moves it.
      const clock: Clock = {
        now: () => time.now(),
        monotonic: () => time.monotonic(),
        sleep: async () => undefined,
      };
      const random = seededRandom(seed);
      await using real = openMemoryStorage({ clock, random, layout: LAYOUT });
      const open = (): Repositories =>
        openRepositories(
          repositoryContext(interleaved(real, random), 'acme', {
            clock,
            random,
            cache: { blobBytes: 0 },
            retry: { deadlineMs: 1_000_000 },
          }),
        );
      const first = open();
      await first.accounts.ensure('acme');
      await first.catalogs.create('lake');
      for (let i = 0; i < 60; i++) await changeSomething(first, random);
      const work = new AbortController();
      const counts = { changes: 0, passes: 0 };
      const writer = async (): Promise<void> => {
        const own = open();
        while (!work.signal.aborted) if (await changeSomething(own, random)) counts.changes++;
      };
      const collector = async (): Promise<void> => {
        while (!work.signal.aborted) {
          time.advance(GRACE_MS / 4);
          const storage = interleaved(real, random);
          const runs = await collectOnce(storage, SETTINGS, { clock, random: seededRandom(seed) });
          for (const run of runs) if (run.ran && run.report.outcome === 'done') counts.passes++;
        }
      };
      const all = Promise.all([...Array.from({ length: WRITERS }, writer), collector()]);
      try {
        for (let run = 0; run < RUNS || (counts.changes < CHANGES && run < 20); run++) {
          const context = { storage: interleaved(real, random), clock, random };
          const { findings } = await verified(context, { deep: run % 2 === 0, pageSize: 30 });
          assert.deepEqual(told(findings), [], JSON.stringify(findings, undefined, 1));
        }
      } finally {
        work.abort();
        await all;
      }
      assert.ok(counts.changes > 20, `${counts.changes} changes`);
      assert.ok(counts.passes > 3, `${counts.passes} passes`);
    });
});
