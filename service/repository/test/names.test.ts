import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { ResourceNotFoundError } from '@floecat/repository';
import { InvalidArgumentError, StorageConflictError } from '@floecat/storage-spi';

import { openWorld } from './support.ts';

suite('catalogs and namespaces', () => {
  test('an account and a catalog that exist are found, not made again', async () => {
    await using world = await openWorld();
    const { accounts, catalogs } = world.repositories;
    const before = await catalogs.require('lake');
    await Promise.all([accounts.ensure('acme'), catalogs.ensure('lake'), catalogs.ensure('lake')]);
    assert.deepEqual((await catalogs.require('lake')).pointer, before.pointer);
    assert.equal((await accounts.list()).items.length, 1);
  });

  test('of many that create one name, one wins and the others are told it is taken', async () => {
    await using world = await openWorld();
    const { namespaces } = world.repositories;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 16 }, () => namespaces.create('lake', ['finance'])),
    );
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
    assert.equal(lost.length, 15);
    for (const outcome of lost) assert.ok(outcome.reason instanceof StorageConflictError);
  });

  test('the blob of a writer that lost is marked, so that a rebuild passes over it', async () => {
    await using world = await openWorld();
    await assert.rejects(world.repositories.namespaces.create('lake', ['sales']), StorageConflictError);
    const { blobs } = await world.storage.blobs.list('/accounts/acme/namespaces/');
    const headers = await Promise.all(blobs.map(({ uri }) => world.storage.blobs.head(uri)));
    assert.deepEqual(headers.map((header) => header.tags['floecat-lost'] ?? 'live').toSorted(), [
      'live',
      'true',
    ]);
  });

  test('a nested namespace needs its parent, and a listing shows direct children only', async () => {
    await using world = await openWorld();
    const { namespaces } = world.repositories;
    await assert.rejects(namespaces.create('lake', ['nowhere', 'eu']), ResourceNotFoundError);
    await namespaces.create('lake', ['sales', 'eu']);
    await namespaces.create('lake', ['sales', 'eu', 'de']);
    await namespaces.create('lake', ['sales', 'a/b']);
    await namespaces.create('lake', ['sales-2']);
    assert.deepEqual((await namespaces.listChildren('lake', [])).items, [['sales'], ['sales-2']]);
    assert.deepEqual((await namespaces.listChildren('lake', ['sales'])).items, [
      ['sales', 'a/b'],
      ['sales', 'eu'],
    ]);
    assert.deepEqual((await namespaces.listChildren('lake', ['sales', 'eu'])).items, [['sales', 'eu', 'de']]);
    assert.deepEqual((await namespaces.require('lake', ['sales', 'eu', 'de'])).resource.levels, [
      'sales',
      'eu',
      'de',
    ]);
  });

  test('a listing goes page by page with the tokens of the pointer store', async () => {
    await using world = await openWorld();
    const { namespaces } = world.repositories;
    for (let i = 0; i < 5; i++) await namespaces.create('lake', ['sales', `n${i}`]);
    const seen: string[] = [];
    let pageToken: string | undefined;
    do {
      const page = await namespaces.listChildren('lake', ['sales'], {
        limit: 2,
        ...(pageToken && { pageToken }),
      });
      seen.push(...page.items.map((levels) => levels.at(-1) ?? ''));
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    assert.deepEqual(seen, ['n0', 'n1', 'n2', 'n3', 'n4']);
  });

  test('names that cannot be told apart in a key are refused', async () => {
    await using world = await openWorld();
    const { catalogs, namespaces } = world.repositories;
    await assert.rejects(namespaces.create('lake', []), InvalidArgumentError);
    await assert.rejects(namespaces.create('lake', ['']), InvalidArgumentError);
    await assert.rejects(namespaces.create('lake', ['a\u001fb']), InvalidArgumentError);
    await assert.rejects(catalogs.create(''), InvalidArgumentError);
    await assert.rejects(catalogs.create('x'.repeat(1_025)), InvalidArgumentError);
    for (const odd of ['.', '..', '%2F', 'a/b', ' ', 'by-id', 'é', 'é'.normalize('NFD')]) {
      await namespaces.create('lake', [odd]);
      assert.deepEqual((await namespaces.require('lake', [odd])).resource.levels, [odd]);
    }
  });

  test('what is missing is named', async () => {
    await using world = await openWorld();
    const { catalogs, namespaces, tables } = world.repositories;
    await assert.rejects(catalogs.require('pond'), { type: 'catalog', resource: 'pond' });
    await assert.rejects(namespaces.require('pond', ['sales']), { type: 'catalog', resource: 'pond' });
    await assert.rejects(namespaces.require('lake', ['sales', 'eu']), {
      type: 'namespace',
      resource: 'sales.eu',
    });
    await assert.rejects(tables.require('lake', ['sales'], 'orders'), {
      type: 'table',
      resource: 'sales.orders',
    });
    await assert.rejects(tables.listNames('lake', ['none']), { type: 'namespace', resource: 'none' });
  });
});
