import assert from 'node:assert/strict';
import { after as atTheEnd, suite, test } from 'node:test';

import { clone } from '@bufbuild/protobuf';
import * as repository from '@floecat/repository';
import type { StorageFixture } from '@floecat/storage-testkit';

import { METADATA } from './support.ts';
import { startAwsBackend } from './support/aws-backend.ts';
import { BACKENDS } from './support/backends.ts';
import type { CrashPoint } from './support/crash.ts';
import { crashAt } from './support/crash.ts';
import { fillLake, lakeContent, publishTable } from './support/lake.ts';
import type { LawWorld } from './support/law-world.ts';
import { openLawWorld } from './support/law-world.ts';
import { checkStore } from './support/store-check.ts';

type Repositories = LawWorld['repositories'];

interface Operation {
  readonly name: string;
  readonly run: (client: Repositories) => Promise<unknown>;
}

const VIEW = { viewUuid: 'v', location: 's3://lake/v', metadata: METADATA };

/** Each on the lake of `fillLake`, with an empty catalog `pond` beside it; each can be repeated where it was not applied. */
const OPERATIONS: readonly Operation[] = [
  { name: 'create a catalog', run: ({ catalogs }) => catalogs.create('lagoon') },
  {
    name: 'rename a catalog',
    run: async ({ catalogs }) => catalogs.rename(await catalogs.require('pond'), 'mere'),
  },
  { name: 'create a namespace', run: ({ namespaces }) => namespaces.create('lake', ['sales', 'us']) },
  {
    name: 'create a view',
    run: async ({ views, namespaces }) =>
      views.create(await namespaces.require('lake', ['hr']), 'recent', VIEW),
  },
  {
    name: 'register a table',
    run: (repositories) => publishTable({ repositories }, ['hr'], 'wages'),
  },
  {
    name: 'update a table with new metadata',
    run: async ({ tables }) =>
      tables.replaceMetadata(await tables.require('lake', ['hr'], 'people'), Buffer.from('{"next":1}')),
  },
  {
    name: 'rename a table into another namespace',
    run: async ({ tables, namespaces }) => {
      const people = await tables.require('lake', ['hr'], 'people');
      return tables.rename(people, await namespaces.require('lake', ['sales']), 'staff');
    },
  },
  {
    name: 'rename a namespace',
    run: async ({ namespaces }) => namespaces.rename(await namespaces.require('lake', ['hr']), ['staff']),
  },
  {
    name: 'drop an empty namespace',
    run: ({ namespaces }) => namespaces.dropAt('lake', ['sales', 'eu', 'de']),
  },
  {
    name: 'drop a table with its snapshots',
    run: async ({ tables }) => tables.drop(await tables.require('lake', ['sales'], 'orders')),
  },
  {
    name: 'drop a namespace with everything in it',
    run: ({ namespaces }) => namespaces.dropAt('lake', ['sales'], { recursive: true }),
  },
  {
    name: 'a transaction over two tables and a rename',
    run: async ({ context, tables }) => {
      const orders = await tables.require('lake', ['sales'], 'orders');
      const people = await tables.require('lake', ['hr'], 'people');
      const [next, renamed] = [
        clone(repository.tableKind.schema, orders.resource),
        clone(repository.tableKind.schema, people.resource),
      ];
      next.location += '/x';
      renamed.name = 'staff';
      return new repository.Transaction(context)
        .replace(repository.tableKind, orders, next)
        .replace(repository.tableKind, people, renamed)
        .commit();
    },
  },
];

const GRACE_MS = 3_600_000;
const IS_SOAK = Boolean(process.env['FLOECAT_SOAK']);
/** On a disk and over a network every crash is a store of its own; there, every so many of them, and more in a soak. */
const STRIDE: Readonly<Record<string, number>> = IS_SOAK ? { aws: 7 } : { local: 7, aws: 47 };
/** These alone are interrupted on the emulators of AWS, unless in a soak. */
const ON_AWS = new Set([
  'register a table',
  'rename a table into another namespace',
  'drop a namespace with everything in it',
]);

const aws = await startAwsBackend();
atTheEnd(async () => {
  if (!('skip' in aws)) await aws[Symbol.asyncDispose]();
});
const onAws = async (): Promise<StorageFixture> => {
  assert.ok(!('skip' in aws));
  return aws.open();
};

for (const [backend, open] of [...BACKENDS, ['aws', onAws] as const])
  suite(`a crash at every store call, on ${backend}`, backend === 'aws' && 'skip' in aws ? aws : {}, () => {
    for (const [nth, { name, run }] of OPERATIONS.entries()) {
      if (backend === 'aws' && !IS_SOAK && !ON_AWS.has(name)) continue;
      test(name, async (t) => {
        const whole = await undisturbed(open, run);
        const all = Array.from({ length: whole.calls }, (_, i) => i + 1).flatMap((call): CrashPoint[] => [
          { call, when: 'before' },
          { call, when: 'after' },
        ]);
        const stride = STRIDE[backend] ?? 1;
        const points = all.filter((_, i) => i % stride === nth % stride);
        for (const point of points)
          await survives(open, run, whole, point).catch((cause: unknown) => {
            throw new Error(`crashed ${point.when} call ${point.call} of ${whole.calls}`, { cause });
          });
        t.diagnostic(`${backend}: ${name}: ${points.length} of ${all.length} crashes`);
      });
    }
  });

interface Whole {
  readonly calls: number;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

async function undisturbed(open: () => Promise<StorageFixture>, run: Operation['run']): Promise<Whole> {
  await using fixture = await open();
  const world = await openLawWorld(repository, fixture);
  await fill(world);
  const before = await content(world);
  const counting = crashAt();
  await run(world.client(counting.intercept));
  await checkStore(fixture.storage, { atRest: true });
  return { calls: counting.calls(), before, after: await content(world) };
}

async function fill(world: LawWorld): Promise<void> {
  await fillLake(world);
  await world.repositories.catalogs.create('pond');
}

/** What a reader sees, and what of the tables. */
async function content(world: Pick<LawWorld, 'repositories'>): Promise<string[]> {
  const seen = await lakeContent(world);
  const { tables, catalogs } = world.repositories;
  const told = (await catalogs.listNames()).items.map((name) => `catalog ${name}`);
  for (const entry of seen) {
    const [levels = '', name = ''] = entry.split('/');
    const table = name === '' ? undefined : await tables.get('lake', levels.split('.'), name);
    told.push(
      table
        ? `${entry} ${table.resource.location} ${Buffer.from(await tables.metadata(table)).toString()}`
        : entry,
    );
  }
  return told;
}

async function survives(
  open: () => Promise<StorageFixture>,
  run: Operation['run'],
  { before, after }: Whole,
  point: CrashPoint,
): Promise<void> {
  await using fixture = await open();
  const first = await openLawWorld(repository, fixture);
  await fill(first);
  const crash = crashAt(point);
  await assert.rejects(run(first.client(crash.intercept)));
  assert.ok(crash.reached());

  await fixture.restart();
  const { context } = first.repositories;
  const repositories = repository.openRepositories({ ...context, storage: fixture.storage });
  await checkStore(fixture.storage, { atRest: false });
  fixture.clock.advance(GRACE_MS + 1);
  const { failed } = await repository.sweepUnfinished(repositories.context);
  assert.deepEqual(failed, []);
  await checkStore(fixture.storage, { atRest: true });
  assert.equal((await repository.sweepUnfinished(repositories.context)).swept, 0, 'one sweep does it all');

  const seen = await content({ repositories });
  if (isDeepEqual(seen, after)) return;
  assert.deepEqual(seen, before, 'all of it or nothing');
  await run(repositories);
  assert.deepEqual(await content({ repositories }), after);
  await checkStore(fixture.storage, { atRest: true });
}

function isDeepEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i]);
}
