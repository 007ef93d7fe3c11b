import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import type { Storage } from '@floecat/storage-spi';
import { ResourceConflictError } from '@floecat/repository';
import { StorageCorruptionError, StorageMisconfiguredError } from '@floecat/storage-spi';

import { load } from '../src/load.ts';
import { tableKind } from '../src/kinds.ts';
import type { World } from './support.ts';
import { NEW_TABLE, openWorld } from './support.ts';

suite('loading', () => {
  test('a pointer whose blob is really gone is corruption that names both', async () => {
    await using world = await openWorld();
    const sales = await world.repositories.namespaces.require('lake', ['sales']);
    await world.storage.blobs.delete(sales.meta.blobUri);
    await assert.rejects(world.repositories.namespaces.require('lake', ['sales']), (error: unknown) => {
      assert.ok(error instanceof StorageCorruptionError);
      assert.match(error.message, new RegExp(`${sales.owner.key} leads to ${sales.meta.blobUri}`));
      return true;
    });
  });

  test('metadata that a live table names and that is gone is corruption, not absence', async () => {
    await using world = await openWorld();
    const { tables, namespaces } = world.repositories;
    const sales = await namespaces.require('lake', ['sales']);
    const table = await tables.publish(sales, await tables.stage(sales, 'orders', NEW_TABLE));
    await world.storage.blobs.delete(table.resource.metadata[0]?.uri ?? '');
    await assert.rejects(tables.metadata(table), StorageCorruptionError);
  });

  test('metadata of a table that changed meanwhile asks to load it again', async () => {
    await using world = await openWorld();
    const { tables, namespaces } = world.repositories;
    const sales = await namespaces.require('lake', ['sales']);
    const staged = await tables.stage(sales, 'orders', NEW_TABLE);
    await tables.touch(staged);
    await world.storage.blobs.delete(staged.resource.metadata[0]?.uri ?? '');
    await assert.rejects(tables.metadata(staged), ResourceConflictError);
  });

  test('a root that a newer write replaced and a collector took between the two reads is read anew', async () => {
    await using world = await openWorld();
    const { tables, namespaces, context } = world.repositories;
    const sales = await namespaces.require('lake', ['sales']);
    const staged = await tables.stage(sales, 'orders', NEW_TABLE);
    let touched = false;
    const racing = withGet(world.storage, async (uri) => {
      if (touched || uri !== staged.meta.blobUri) return;
      touched = true;
      await tables.touch(staged);
      await world.storage.blobs.delete(uri);
    });
    const loaded = await load({ ...context, storage: racing }, tableKind, staged.owner);
    assert.ok(touched);
    assert.equal(loaded?.pointer.version, 2);
  });

  test('a name whose owner was dropped between the two reads is absent, not corrupt', async () => {
    await using world = await openWorld();
    const sales = await world.repositories.namespaces.require('lake', ['sales']);
    await world.storage.pointers.compareAndDelete(sales.owner.key, sales.pointer);
    assert.equal(await world.repositories.namespaces.get('lake', ['sales']), undefined);
  });

  test('a root of another owner, of another message or that does not parse is corruption', async () => {
    await using world = await openWorld();
    const { namespaces, catalogs } = world.repositories;
    const sales = await namespaces.require('lake', ['sales']);
    const lake = await catalogs.require('lake');
    await pointAt(world, sales.owner.key, lake.meta.blobUri);
    await assert.rejects(namespaces.get('lake', ['sales']), /which holds a floecat.v1.Catalog/);
    const hr = await namespaces.create('lake', ['hr']);
    await pointAt(world, sales.owner.key, hr.meta.blobUri);
    await assert.rejects(namespaces.get('lake', ['sales']), /which belongs to/);
    await world.storage.blobs.put('/accounts/acme/x', Buffer.from('not protobuf'));
    await pointAt(world, sales.owner.key, '/accounts/acme/x');
    await assert.rejects(namespaces.get('lake', ['sales']), StorageCorruptionError);
  });

  test('a root that a newer version wrote asks for an upgrade', async () => {
    await using world = await openWorld();
    const { namespaces } = world.repositories;
    const sales = await namespaces.require('lake', ['sales']);
    const { bytes } = await world.storage.blobs.get(sales.meta.blobUri);
    // Field 1 of the envelope, its format, is the first one in the root: a varint.
    const newer = Uint8Array.from(bytes);
    const at = newer.indexOf(0x08);
    assert.equal(newer[at + 1], 1);
    newer[at + 1] = 2;
    await world.storage.blobs.put('/accounts/acme/newer', newer);
    await pointAt(world, sales.owner.key, '/accounts/acme/newer');
    await assert.rejects(namespaces.get('lake', ['sales']), StorageMisconfiguredError);
  });
});

async function pointAt(world: World, key: string, blobUri: string): Promise<void> {
  const current = await world.storage.pointers.get(key);
  assert.ok(current);
  const result = await world.storage.pointers.compareAndSet(key, current, {
    kind: 'blob',
    blobUri,
    state: 'LIVE',
  });
  assert.ok(result.applied);
}

/** The storage, with `before` run ahead of each blob read. */
function withGet(storage: Storage, before: (uri: string) => Promise<void>): Storage {
  const blobs = new Proxy(storage.blobs, {
    get(target, name) {
      if (name === 'get')
        return async (uri: string) => {
          await before(uri);
          return target.get(uri);
        };
      const member = Reflect.get(target, name, target) as unknown;
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  return { ...storage, blobs };
}
