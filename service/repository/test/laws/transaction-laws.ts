import assert from 'node:assert/strict';

import { clone, create } from '@bufbuild/protobuf';
import type { Catalog } from '@floecat/proto/resources';
import { CatalogSchema, NamespaceSchema } from '@floecat/proto/resources';
import { InvalidArgumentError, StorageConflictError } from '@floecat/storage-spi';

import type { LawWorld, RepositoryLaw } from '../support/law-world.ts';
import { aheadOf, isCommit } from '../support/store-calls.ts';
import { checkStore } from '../support/store-check.ts';

function newCatalog({ random }: LawWorld, name: string): Catalog {
  return create(CatalogSchema, { id: random.uuid(), name });
}

export const transactionLaws: readonly RepositoryLaw[] = [
  {
    name: 'a transaction applies all of its changes under one write id, parents and children together',
    holds: async (world) => {
      const { repo, repositories } = world;
      const lake = await repositories.catalogs.require('lake');
      const pond = newCatalog(world, 'pond');
      const outer = create(NamespaceSchema, { id: world.random.uuid(), catalogId: pond.id, levels: ['a'] });
      const inner = create(NamespaceSchema, {
        id: world.random.uuid(),
        catalogId: pond.id,
        parentId: outer.id,
        levels: ['a', 'b'],
      });
      const sea = clone(CatalogSchema, lake.resource);
      sea.name = 'sea';
      const roots = await new repo.Transaction(repositories.context)
        .create(repo.catalogKind, pond)
        .create(repo.namespaceKind, outer)
        .create(repo.namespaceKind, inner)
        .replace(repo.catalogKind, lake, sea)
        .commit();
      assert.equal(new Set(roots.map(({ pointer }) => pointer.writeId)).size, 1);
      for (const { envelope } of roots) assert.equal(envelope.transaction.length, 9);
      assert.deepEqual((await repositories.catalogs.listNames()).items, ['pond', 'sea']);
      assert.equal((await repositories.namespaces.require('pond', ['a', 'b'])).resource.parentId, outer.id);
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'a transaction of which one change is refused applies none',
    holds: async (world) => {
      const { repo, repositories } = world;
      const lake = await repositories.catalogs.require('lake');
      const changed = clone(CatalogSchema, lake.resource);
      changed.properties['n'] = '1';
      const transaction = new repo.Transaction(repositories.context)
        .create(repo.catalogKind, newCatalog(world, 'pond'))
        .replace(repo.catalogKind, lake, changed)
        .create(repo.catalogKind, newCatalog(world, 'lake'));
      await assert.rejects(transaction.commit(), StorageConflictError);
      const stale = world.client(
        aheadOf(isCommit, () => repositories.catalogs.update(lake, () => undefined)),
      );
      const late = new repo.Transaction(stale.context)
        .create(repo.catalogKind, newCatalog(world, 'pond'))
        .replace(repo.catalogKind, lake, changed);
      await assert.rejects(late.commit(), repo.ResourceConflictError);
      const after = await repositories.catalogs.require('lake');
      assert.deepEqual([after.pointer.version, after.resource.properties], [2, {}]);
      assert.deepEqual((await repositories.catalogs.listNames()).items, ['lake']);
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'what a transaction was told to leave unchanged refuses it once it has changed',
    holds: async (world) => {
      const { repo, repositories } = world;
      const seen = await repositories.catalogs.require('lake');
      const begin = () =>
        new repo.Transaction(repositories.context)
          .unchanged(seen)
          .create(repo.catalogKind, newCatalog(world, 'pond'));
      const stale = begin();
      await repositories.catalogs.update(seen, () => undefined);
      await assert.rejects(stale.commit(), repo.ResourceConflictError);
      await assert.rejects(begin().commit(), repo.ResourceConflictError);
    },
  },
  {
    name: 'a transaction holds as many rows as the store allows; one more is refused before anything is read or stored',
    holds: async (world) => {
      const { repo, repositories } = world;
      const fill = (client: typeof repositories, count: number) => {
        const transaction = new repo.Transaction(client.context);
        // Two rows each, and the account.
        for (let i = 0; i < count; i++) transaction.create(repo.catalogKind, newCatalog(world, `c${i}`));
        return transaction;
      };
      const calls: string[] = [];
      const watched = world.client(async ({ name }, proceed) => {
        calls.push(name);
        return proceed();
      });
      await assert.rejects(fill(watched, 50).commit(), (error: unknown) => {
        assert.ok(error instanceof InvalidArgumentError);
        assert.match(error.message, /101 rows; the limit is 100/);
        return true;
      });
      assert.deepEqual(calls, []);
      assert.equal((await fill(repositories, 49).commit()).length, 49);
      assert.equal(await repositories.catalogs.count(), 50);
    },
  },
  {
    name: 'a transaction is committed once, and holds each owner once',
    holds: async (world) => {
      const { repo, repositories } = world;
      const lake = await repositories.catalogs.require('lake');
      const transaction = new repo.Transaction(repositories.context).replace(
        repo.catalogKind,
        lake,
        lake.resource,
      );
      assert.throws(() => transaction.replace(repo.catalogKind, lake, lake.resource), InvalidArgumentError);
      await transaction.commit();
      await assert.rejects(transaction.commit(), InvalidArgumentError);
    },
  },
  {
    name: 'a blob that a state names is put in its change or was named before; else it is refused, as is one of another owner',
    holds: async (world) => {
      const { namespaces, views, tables } = world.repositories;
      const sales = await namespaces.require('lake', ['sales']);
      const init = { viewUuid: 'v', location: 's3://lake/v', metadata: Buffer.from('{"view":1}') };
      const one = await views.create(sales, 'one', init);
      const two = await views.create(sales, 'two', { ...init, metadata: Buffer.from('{"view":2}') });
      const [ofOne, ofTwo] = [one.resource.metadata[0], two.resource.metadata[0]];
      assert.ok(ofOne && ofTwo);
      // Carried over.
      const kept = await views.update(one, (view) => void (view.location = 's3://lake/w'));
      assert.deepEqual(Buffer.from(await views.metadata(kept)), init.metadata);
      const steal = views.update(kept, (view) => void (view.metadata = [ofTwo]));
      await assert.rejects(steal, /blob of another owner/);
      const invented = { ...ofOne, uri: ofOne.uri.replace(/[0-9a-f]{64}/, '0'.repeat(64)) };
      const invent = views.update(kept, (view) => void (view.metadata = [invented]));
      await assert.rejects(invent, /neither put in this change/);
      const next = await views.replaceMetadata(kept, Buffer.from('{"view":3}'));
      // What a state before the last one named may be collected by now.
      const revive = views.update(next, (view) => void (view.metadata = [ofOne]));
      await assert.rejects(revive, /neither put in this change/);
      assert.equal(await tables.count('lake', ['sales']), 0);
      await checkStore(world.storage, { atRest: true });
    },
  },
];
