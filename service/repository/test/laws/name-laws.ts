import assert from 'node:assert/strict';

import { InvalidArgumentError, StorageConflictError } from '@floecat/storage-spi';

import { METADATA } from '../support.ts';
import type { RepositoryLaw } from '../support/law-world.ts';
import { fillLake, lakeContent, publishTable } from '../support/lake.ts';
import { aheadOf, isCommit } from '../support/store-calls.ts';
import { checkStore } from '../support/store-check.ts';

const VIEW = { viewUuid: 'v', location: 's3://lake/v', metadata: METADATA };

export const nameLaws: readonly RepositoryLaw[] = [
  {
    name: 'a table and a view never share a name, however they come to it',
    holds: async (world) => {
      const { namespaces, tables, views } = world.repositories;
      const sales = await namespaces.require('lake', ['sales']);
      const orders = await publishTable(world, ['sales'], 'orders');
      const recent = await views.create(sales, 'recent', VIEW);
      await assert.rejects(views.create(sales, 'orders', VIEW), /exists already, as a table with the id/);
      await assert.rejects(publishTable(world, ['sales'], 'recent'), /exists already, as a view with the id/);
      await assert.rejects(tables.rename(orders, sales, 'recent'), StorageConflictError);
      await assert.rejects(views.rename(recent, sales, 'orders'), StorageConflictError);
      const late = world.client(aheadOf(isCommit, () => publishTable(world, ['sales'], 'both')));
      await assert.rejects(late.views.create(sales, 'both', VIEW), StorageConflictError);
      assert.deepEqual(await lakeContent(world), [
        'sales/',
        'sales/both',
        'sales/orders',
        'sales/view recent',
      ]);
      // The table that did not get its name is staged still.
      await checkStore(world.storage, { atRest: false });
    },
  },
  {
    name: 'a table moves to another namespace under another name in one step',
    holds: async (world) => {
      const { namespaces, tables } = world.repositories;
      const hr = await namespaces.create('lake', ['hr']);
      const orders = await publishTable(world, ['sales'], 'orders');
      const moved = await tables.rename(orders.owner.id, hr, 'people');
      assert.equal(moved.resource.namespaceId, hr.owner.id);
      assert.deepEqual(await lakeContent(world), ['hr/', 'hr/people', 'sales/']);
      assert.deepEqual(Buffer.from(await tables.metadata(moved)), METADATA);
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'a namespace is renamed with its tables; one that holds another namespace is not, and is as before',
    holds: async (world) => {
      await fillLake(world);
      const { namespaces } = world.repositories;
      const before = await lakeContent(world);
      const sales = await namespaces.require('lake', ['sales']);
      await assert.rejects(namespaces.rename(sales, ['trade']), world.repo.ResourceNotEmptyError);
      assert.deepEqual(await lakeContent(world), before);
      const again = await namespaces.require('lake', ['sales']);
      assert.equal(again.pointer.state, 'LIVE');
      const hr = await namespaces.require('lake', ['hr']);
      await assert.rejects(namespaces.rename(hr, ['hr', 'eu']), InvalidArgumentError);
      await assert.rejects(namespaces.rename(hr, ['sales']), StorageConflictError);
      assert.equal((await namespaces.require('lake', ['hr'])).pointer.state, 'LIVE', 'it is open again');
      const eu = await namespaces.rename(await namespaces.require('lake', ['hr']), ['sales', 'hr']);
      assert.equal(eu.resource.parentId, again.owner.id);
      assert.ok((await lakeContent(world)).includes('sales.hr/people'));
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'a namespace that was renamed takes no child below its old path',
    holds: async (world) => {
      const { namespaces } = world.repositories;
      const sales = await namespaces.require('lake', ['sales']);
      const late = world.client(aheadOf(isCommit, () => namespaces.rename(sales, ['trade'])));
      await assert.rejects(late.namespaces.create('lake', ['sales', 'eu']), world.repo.ResourceConflictError);
      assert.deepEqual(await lakeContent(world), ['trade/']);
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'a child that came while a namespace was renamed is not left below the old path',
    holds: async (world) => {
      const { namespaces } = world.repositories;
      const sales = await namespaces.require('lake', ['sales']);
      const late = world.client(aheadOf(isCommit, () => namespaces.create('lake', ['sales', 'eu'])));
      await assert.rejects(late.namespaces.rename(sales, ['trade']), world.repo.ResourceNotEmptyError);
      assert.deepEqual(await lakeContent(world), ['sales.eu/', 'sales/']);
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'a rename takes away its own name only, even where that leads to somebody else by now',
    holds: async (world) => {
      const { catalogs } = world.repositories;
      const pond = await catalogs.create('pond');
      const [name] = pond.envelope.names;
      const row = await world.storage.pointers.get(name?.key ?? '');
      assert.ok(row);
      await world.storage.pointers.compareAndSet(row.key, row, { kind: 'value', value: 'somebody-else' });
      await catalogs.rename(pond, 'sea');
      const left = await world.storage.pointers.get(row.key);
      assert.equal(left?.kind === 'value' && left.value, 'somebody-else');
    },
  },
];
