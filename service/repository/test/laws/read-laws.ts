import assert from 'node:assert/strict';

import { StorageCorruptionError } from '@floecat/storage-spi';

import type { RepositoryLaw } from '../support/law-world.ts';
import { publishTable } from '../support/lake.ts';
import type { StoreCall } from '../support/store-calls.ts';
import { aheadOf } from '../support/store-calls.ts';

const readsBlob = ({ name }: StoreCall): boolean => name === 'blobs.get' || name === 'blobs.getBatch';

export const readLaws: readonly RepositoryLaw[] = [
  {
    name: 'a read that races a drop, and the collector after it, finds nothing, and no corruption',
    holds: async (world) => {
      for (const read of [
        (client: typeof world.repositories, id: string) => client.tables.getById(id),
        (client: typeof world.repositories) => client.tables.get('lake', ['sales'], 'orders'),
        async (client: typeof world.repositories) => {
          const page = await client.tables.list('lake', ['sales']);
          assert.equal(page.damaged, undefined);
          return page.items[0];
        },
      ]) {
        const orders = await publishTable(world, ['sales'], 'orders');
        const race = aheadOf(readsBlob, async () => {
          await world.repositories.tables.drop(orders);
          await world.storage.blobs.delete(orders.meta.blobUri);
        });
        assert.equal(await read(world.client(race), orders.owner.id), undefined);
      }
    },
  },
  {
    name: 'a read that races an update, and the collector after it, finds the newer state',
    holds: async (world) => {
      const { catalogs } = world.repositories;
      const lake = await catalogs.require('lake');
      const race = aheadOf(readsBlob, async () => {
        await catalogs.update(lake, (catalog) => void (catalog.properties['n'] = '1'));
        await world.storage.blobs.delete(lake.meta.blobUri);
      });
      const found = await world.client(race).catalogs.get('lake');
      assert.equal(found?.resource.properties['n'], '1');
    },
  },
  {
    name: 'a pointer whose blob is really gone is corruption that names both',
    holds: async (world) => {
      const lake = await world.repositories.catalogs.require('lake');
      await world.storage.blobs.delete(lake.meta.blobUri);
      await assert.rejects(world.client().catalogs.get('lake'), (error: unknown) => {
        assert.ok(error instanceof StorageCorruptionError);
        assert.ok(error.message.includes(lake.owner.key));
        assert.ok(error.message.includes(lake.meta.blobUri));
        return true;
      });
    },
  },
  {
    name: 'a listing keeps the order of the names, page by page, whatever order things were made in',
    holds: async (world) => {
      const { catalogs } = world.repositories;
      const names = ['zoo', 'a', 'm/1', 'm', 'b', 'é', 'A'];
      for (const name of names) await catalogs.create(name);
      const seen: string[] = [];
      let pageToken: string | undefined;
      do {
        const page = await catalogs.list({ limit: 3, ...(pageToken !== undefined && { pageToken }) });
        seen.push(...page.items.map(({ resource }) => resource.name));
        pageToken = page.nextPageToken;
      } while (pageToken !== undefined);
      assert.deepEqual(seen, (await catalogs.listNames()).items);
      assert.deepEqual(seen.toSorted(), [...names, 'lake'].toSorted());
      assert.equal(await catalogs.count(), 8);
    },
  },
  {
    name: 'a page is read with one list and one batch of pointers and of blobs each',
    holds: async (world) => {
      for (const name of ['a', 'b', 'c']) await world.repositories.catalogs.create(name);
      const calls: string[] = [];
      const client = world.client(async ({ name }, proceed) => {
        calls.push(name);
        return proceed();
      });
      assert.equal((await client.catalogs.list()).items.length, 4);
      assert.deepEqual(calls, ['pointers.listPointersByPrefix', 'pointers.getBatch', 'blobs.getBatch']);
    },
  },
  {
    name: 'one damaged row does not hide the others of its page, and is told with its key and reason',
    holds: async (world) => {
      const { catalogs } = world.repositories;
      const made = [];
      for (const name of ['a', 'b', 'c']) made.push(await catalogs.create(name));
      const [, damaged] = made;
      assert.ok(damaged);
      await world.storage.blobs.delete(damaged.meta.blobUri);
      const page = await world.client().catalogs.list();
      assert.deepEqual(
        page.items.map(({ resource }) => resource.name),
        ['a', 'c', 'lake'],
      );
      assert.deepEqual(
        page.damaged?.map(({ key, cause }) => [key, cause.code]),
        [[damaged.owner.key, 'STORAGE_CORRUPTION']],
      );
    },
  },
  {
    name: 'a load by a name that was resolved before is one pointer read, and with its blob remembered nothing else',
    holds: async (world) => {
      await publishTable(world, ['sales'], 'orders');
      const calls: StoreCall[] = [];
      const client = world.cachingClient(async (call, proceed) => {
        calls.push(call);
        return proceed();
      });
      const first = await client.tables.require('lake', ['sales'], 'orders');
      calls.length = 0;
      const again = await client.tables.require('lake', ['sales'], 'orders');
      assert.deepEqual(again.resource, first.resource);
      assert.deepEqual(
        calls.map(({ name }) => name),
        ['pointers.getBatch'],
      );
    },
  },
  {
    name: 'a page whose newest states are cached is as true as one that is not',
    holds: async (world) => {
      const reader = world.cachingClient();
      const { catalogs } = world.repositories;
      for (const round of ['1', '2', '3']) {
        await catalogs.update((await catalogs.require('lake')).owner.id, (lake) => {
          lake.properties['round'] = round;
        });
        const page = await reader.catalogs.list();
        assert.deepEqual(
          page.items.map(({ resource }) => resource.properties['round']),
          [round],
        );
      }
    },
  },
];
