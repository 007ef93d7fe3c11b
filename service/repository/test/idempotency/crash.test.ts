import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import type { Json, OnceResult } from '@floecat/repository';
import * as repository from '@floecat/repository';
import type { StorageFixture } from '@floecat/storage-testkit';

import { BACKENDS } from '../support/backends.ts';
import { countOnce } from '../support/counting.ts';
import type { CrashPoint } from '../support/crash.ts';
import { crashAt } from '../support/crash.ts';
import { publishTable } from '../support/lake.ts';
import type { LawWorld } from '../support/law-world.ts';
import { openLawWorld } from '../support/law-world.ts';
import { checkStore } from '../support/store-check.ts';

type Client = LawWorld['repositories'];

interface Run {
  readonly name: string;
  readonly prepare?: (world: LawWorld) => Promise<unknown>;
  readonly run: (client: Client) => Promise<OnceResult<Json>>;
  /** What a reader sees of it. Once the run is done, its result is in it. */
  readonly effect: (client: Client) => Promise<Json>;
}

const KEY = { key: 'k', fingerprint: 'f' };

const RUNS: readonly Run[] = [
  {
    name: 'an increment',
    run: (client) => countOnce(repository, client, 'k'),
    effect: async ({ catalogs }) => (await catalogs.require('lake')).resource.properties['n'] ?? null,
  },
  {
    name: 'a namespace that is created',
    run: ({ context, namespaces }) =>
      repository.runOnce<string>(context, KEY, async ({ completing }) => {
        await namespaces.create('lake', ['hr'], { also: async () => [await completing('made')] });
        return 'made';
      }),
    effect: async ({ namespaces }) => (await namespaces.get('lake', ['hr']))?.pointer.version ?? null,
  },
  {
    name: 'a namespace that is dropped with what is in it',
    prepare: (world) => publishTable(world, ['sales'], 'orders'),
    run: ({ context, namespaces }) =>
      repository.runOnce<string>(context, KEY, async ({ completing }) => {
        const also = async () => [await completing('dropped')];
        await namespaces.dropAt('lake', ['sales'], { recursive: true, also });
        return 'dropped';
      }),
    effect: async ({ namespaces }) => (await namespaces.get('lake', ['sales'])) === undefined,
  },
  {
    name: 'a transaction over two catalogs',
    prepare: ({ repositories }) => repositories.catalogs.create('pond'),
    run: ({ context, catalogs }) =>
      repository.runOnce<Json>(context, KEY, async ({ completing }) => {
        const { result } = await repository.transact(context, async (transaction) => {
          let sum = 0;
          for (const name of ['lake', 'pond']) {
            const seen = await catalogs.require(name);
            const n = Number(seen.resource.properties['n'] ?? '0') + 1;
            sum += n;
            const properties = { n: String(n) };
            transaction.replace(repository.catalogKind, seen, { ...seen.resource, properties });
          }
          transaction.also(await completing({ sum }));
          return { sum };
        });
        return result;
      }),
    effect: async ({ catalogs }) => [
      (await catalogs.require('lake')).resource.properties['n'] ?? null,
      (await catalogs.require('pond')).resource.properties['n'] ?? null,
    ],
  },
  {
    name: 'a run that commits nothing',
    run: ({ context }) => repository.runOnce<Json>(context, KEY, async () => ({ nothing: true })),
    effect: async () => null,
  },
];

/** On a disk every crash is a store of its own; there, so many of a run unless in a soak. */
const AT_MOST: Readonly<Record<string, number>> = process.env['FLOECAT_SOAK'] ? {} : { local: 2 };
const OVER_MS = 31_000;

for (const [backend, open] of BACKENDS)
  suite(`a crash at every store call of an idempotent run, on ${backend}`, () => {
    for (const [nth, run] of RUNS.entries())
      test(run.name, async (t) => {
        const whole = await undisturbed(open, run);
        const all = Array.from({ length: whole.calls }, (_, i) => i + 1).flatMap((call): CrashPoint[] => [
          { call, when: 'before' },
          { call, when: 'after' },
        ]);
        const stride = Math.ceil(all.length / (AT_MOST[backend] ?? all.length));
        const points = all.filter((_, i) => i % stride === (nth * 3) % stride);
        let replays = 0;
        for (const point of points)
          replays += await survives(open, run, whole, point).catch((cause: unknown) => {
            throw new Error(`crashed ${point.when} call ${point.call} of ${whole.calls}`, { cause });
          });
        t.diagnostic(
          `${backend}: ${run.name}: ${points.length} of ${all.length} crashes, ${replays} of them after the commit`,
        );
      });
  });

interface Whole {
  readonly calls: number;
  readonly before: Json;
  readonly after: Json;
  readonly result: Json;
}

async function undisturbed(
  open: () => Promise<StorageFixture>,
  { prepare, run, effect }: Run,
): Promise<Whole> {
  await using fixture = await open();
  const world = await openLawWorld(repository, fixture);
  await prepare?.(world);
  const before = await effect(world.repositories);
  const counting = crashAt();
  const { result } = await run(world.client(counting.intercept));
  return { calls: counting.calls(), before, after: await effect(world.repositories), result };
}

/** Answers 1 where the crash came after the commit, so that the second call only tells of it. */
async function survives(
  open: () => Promise<StorageFixture>,
  { prepare, run, effect }: Run,
  { before, after, result }: Whole,
  point: CrashPoint,
): Promise<number> {
  await using fixture = await open();
  const first = await openLawWorld(repository, fixture);
  await prepare?.(first);
  const crash = crashAt(point);
  // After the last call, nothing is left to fail.
  await run(first.client(crash.intercept)).catch(() => undefined);
  assert.ok(crash.reached());

  await fixture.restart();
  const { context } = first.repositories;
  const repositories = repository.openRepositories({ ...context, storage: fixture.storage });
  fixture.clock.advance(OVER_MS);
  const seen = await effect(repositories);
  const second = await run(repositories);
  assert.deepEqual(second.result, result, 'the first result');
  assert.deepEqual(await effect(repositories), after, 'applied exactly once');
  if (second.replayed) assert.deepEqual(seen, after, 'what is told was applied');
  else assert.deepEqual(seen, before, 'what was applied is told');
  assert.deepEqual(await run(repositories), { result, replayed: true });
  assert.deepEqual(await effect(repositories), after);
  fixture.clock.advance(3_600_001);
  await repository.sweepUnfinished(repositories.context);
  await checkStore(fixture.storage, { atRest: true });
  return second.replayed ? 1 : 0;
}
