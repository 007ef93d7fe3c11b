import assert from 'node:assert/strict';

import type { LawWorld, RepositoryLaw } from '../support/law-world.ts';
import { addSnapshot, fillLake, lakeContent, publishTable } from '../support/lake.ts';
import { aheadOf, isCommit } from '../support/store-calls.ts';
import { checkStore } from '../support/store-check.ts';

/** Matches the `nth` commit of a client. */
function commitNumber(nth: number): Parameters<typeof aheadOf>[0] {
  let seen = 0;
  return (call) => isCommit(call) && ++seen === nth;
}

async function takesTables(world: LawWorld, levels: readonly string[]): Promise<void> {
  assert.equal((await publishTable(world, levels, 'fresh')).pointer.state, 'LIVE');
}

export const dropLaws: readonly RepositoryLaw[] = [
  {
    name: 'a parent that has children is not dropped alone, and is as before',
    holds: async (world) => {
      await fillLake(world);
      const { accounts, catalogs, namespaces } = world.repositories;
      const before = await lakeContent(world);
      const lake = await catalogs.require('lake');
      const drops = [
        () => accounts.drop('acme'),
        () => catalogs.drop(lake.owner.id),
        () => namespaces.dropAt('lake', ['sales']),
        () => namespaces.dropAt('lake', ['sales', 'eu']),
        () => namespaces.dropAt('lake', ['hr']),
      ];
      for (const drop of drops) await assert.rejects(drop(), world.repo.ResourceNotEmptyError);
      assert.deepEqual(await lakeContent(world), before);
      assert.equal(
        (await catalogs.require('lake')).pointer.version,
        lake.pointer.version,
        'nothing was written',
      );
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'a recursive drop takes all that is in it, leaves a tombstone of each, and nothing beside it',
    holds: async (world) => {
      await fillLake(world);
      const { namespaces } = world.repositories;
      const owners = (await world.storage.pointers.listPointersByPrefix('/accounts/acme/')).pointers.filter(
        (row) => row.state === 'LIVE' && row.key.includes('/by-id/') && !row.key.includes('/snapshots/'),
      );
      await namespaces.dropAt('lake', ['sales'], { recursive: true });
      assert.deepEqual(await lakeContent(world), ['hr/', 'hr/people']);
      const states = await world.storage.pointers.getBatch(owners.map(({ key }) => key));
      assert.deepEqual(
        states.map((row) => row?.state).filter((state) => state === 'TOMBSTONE').length,
        // sales, sales.eu, sales.eu.de, three tables and a view
        7,
      );
      await checkStore(world.storage, { atRest: true });
      await namespaces.create('lake', ['sales']);
      assert.deepEqual(await lakeContent(world), ['hr/', 'hr/people', 'sales/']);
    },
  },
  {
    name: 'an account is dropped with everything, and comes back empty, over its tombstone',
    holds: async (world) => {
      await fillLake(world);
      const { accounts, catalogs } = world.repositories;
      await assert.rejects(accounts.drop('acme'), world.repo.ResourceNotEmptyError);
      const { version } = await accounts.drop('acme', { recursive: true });
      await checkStore(world.storage, { atRest: true });
      await assert.rejects(catalogs.create('pond'), world.repo.ResourceNotFoundError);
      const back = await accounts.ensure('acme');
      assert.equal(back.pointer.version, version + 1);
      assert.deepEqual((await catalogs.listNames()).items, []);
      await catalogs.create('lake');
      assert.deepEqual(await lakeContent(world), []);
    },
  },
  {
    name: 'a child that came while it was looked for keeps its parent from being dropped, which then takes more',
    holds: async (world) => {
      // After the first look and before the parent is closed.
      const late = aheadOf(isCommit, () => publishTable(world, ['sales'], 'orders'));
      const dropping = world.client(late).namespaces.dropAt('lake', ['sales']);
      await assert.rejects(dropping, world.repo.ResourceNotEmptyError);
      assert.deepEqual(await lakeContent(world), ['sales/', 'sales/orders']);
      await takesTables(world, ['sales']);
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'a child whose parent was dropped before its commit is refused, and leaves nothing',
    holds: async (world) => {
      const { namespaces, views } = world.repositories;
      const sales = await namespaces.require('lake', ['sales']);
      const late = world.client(aheadOf(isCommit, () => namespaces.dropAt('lake', ['sales'])));
      const view = { viewUuid: 'v', location: 's3://lake/v', metadata: Buffer.from('{}') };
      await assert.rejects(late.views.create(sales, 'recent', view), world.repo.ResourceConflictError);
      const orphan = world.client(aheadOf(isCommit, async () => undefined));
      await assert.rejects(
        orphan.namespaces.create('lake', ['sales', 'eu']),
        world.repo.ResourceNotFoundError,
      );
      await assert.rejects(views.create(sales, 'recent', view), world.repo.ResourceNotFoundError);
      assert.deepEqual(await lakeContent(world), []);
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'nothing is created in what is being dropped, with its children or without',
    holds: async (world) => {
      await world.repositories.namespaces.create('lake', ['hr']);
      await publishTable(world, ['hr'], 'people');
      for (const [levels, recursive] of [
        [['sales'], false],
        [['hr'], true],
      ] as const) {
        // The first commit closes it, or decides upon it.
        let refused = 0;
        const during = aheadOf(commitNumber(2), async () => {
          await assert.rejects(publishTable(world, levels, 'late'));
          const { namespaces } = world.repositories;
          await assert.rejects(
            namespaces.create('lake', [...levels, 'late']),
            world.repo.ResourceConflictError,
          );
          refused++;
        });
        await world.client(during).namespaces.dropAt('lake', levels, { recursive });
        assert.equal(refused, 1);
      }
      assert.deepEqual(await lakeContent(world), []);
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'while it is looked whether a namespace is empty, readers see it as ever',
    holds: async (world) => {
      const { namespaces } = world.repositories;
      let looked = 0;
      const during = aheadOf(commitNumber(2), async () => {
        const sales = await namespaces.require('lake', ['sales']);
        assert.equal(sales.pointer.state, 'DELETING');
        assert.deepEqual(await lakeContent(world), ['sales/']);
        looked++;
      });
      await world.client(during).namespaces.dropAt('lake', ['sales']);
      assert.equal(looked, 1);
      assert.equal(await namespaces.get('lake', ['sales']), undefined);
    },
  },
  {
    name: 'what was closed for a drop that was interrupted takes children again, a minute later',
    holds: async (world) => {
      let commits = 0;
      const dying = world.client(async (call, proceed) => {
        if (commits === 1) throw new Error('the process is dead');
        const result = await proceed();
        if (isCommit(call)) commits++;
        return result;
      });
      await assert.rejects(dying.namespaces.dropAt('lake', ['sales']));
      const { namespaces } = world.repositories;
      assert.equal((await namespaces.require('lake', ['sales'])).pointer.state, 'DELETING');
      const create = () => namespaces.create('lake', ['sales', 'eu']);
      await assert.rejects(create(), world.repo.ResourceConflictError);
      world.clock.advance(60_001);
      await create();
      assert.deepEqual(await lakeContent(world), ['sales.eu/', 'sales/']);
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'a table that is moved out before its turn survives the drop of its namespace',
    holds: async (world) => {
      const { namespaces, tables } = world.repositories;
      const hr = await namespaces.create('lake', ['hr']);
      const orders = await publishTable(world, ['sales'], 'orders');
      await addSnapshot(world, orders, 1n);
      const during = aheadOf(commitNumber(2), () => tables.rename(orders, hr, 'orders'));
      await world.client(during).namespaces.dropAt('lake', ['sales'], { recursive: true });
      assert.deepEqual(await lakeContent(world), ['hr/', 'hr/orders']);
      const moved = await tables.require('lake', ['hr'], 'orders');
      assert.equal((await world.repositories.snapshots.list(moved)).items.length, 1);
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'a table is not moved into a namespace that is gone by its commit, and stays where it is',
    holds: async (world) => {
      const { namespaces } = world.repositories;
      const hr = await namespaces.create('lake', ['hr']);
      const orders = await publishTable(world, ['sales'], 'orders');
      const late = world.client(aheadOf(isCommit, () => namespaces.dropAt('lake', ['hr'])));
      await assert.rejects(late.tables.rename(orders, hr, 'orders'), world.repo.ResourceConflictError);
      assert.deepEqual(await lakeContent(world), ['sales/', 'sales/orders']);
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'a table that is written to all the while is dropped with its namespace nevertheless',
    holds: async (world) => {
      const orders = await publishTable(world, ['sales'], 'orders');
      let writes = 0;
      const client = world.client(async (call, proceed) => {
        if (isCommit(call) && writes++ < 5)
          await world.repositories.tables
            .update(orders.owner.id, (table) => void (table.location += '/x'))
            .catch(() => undefined);
        return proceed();
      });
      await client.namespaces.dropAt('lake', ['sales'], { recursive: true });
      assert.deepEqual(await lakeContent(world), []);
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'a name that leads to nothing does not keep its namespace from being dropped',
    holds: async (world) => {
      const orders = await publishTable(world, ['sales'], 'orders');
      await world.storage.pointers.compareAndDelete(orders.owner.key, orders.pointer);
      await world.repositories.namespaces.dropAt('lake', ['sales'], { recursive: true });
      assert.deepEqual(await lakeContent(world), []);
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'two that drop the same at once: it is gone once, and neither fails with anything but "gone" or "beaten"',
    holds: async (world) => {
      await fillLake(world);
      const drop = () => world.client().namespaces.dropAt('lake', ['sales'], { recursive: true });
      const outcomes = await Promise.allSettled([drop(), drop(), drop()]);
      assert.ok(outcomes.some(({ status }) => status === 'fulfilled'));
      for (const outcome of outcomes)
        if (outcome.status === 'rejected')
          assert.ok(
            outcome.reason instanceof world.repo.ResourceNotFoundError ||
              outcome.reason instanceof world.repo.ResourceConflictError,
            String(outcome.reason),
          );
      assert.deepEqual(await lakeContent(world), ['hr/', 'hr/people']);
      await checkStore(world.storage, { atRest: true });
    },
  },
];
