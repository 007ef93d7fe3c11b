import assert from 'node:assert/strict';

import type { Loaded, MutationMeta } from '@floecat/repository';
import { StorageConflictError } from '@floecat/storage-spi';

import type { KindDriver } from '../support/kind-drivers.ts';
import { DRIVERS } from '../support/kind-drivers.ts';
import type { LawWorld, RepositoryLaw } from '../support/law-world.ts';
import { checkStore } from '../support/store-check.ts';

type Law = readonly [name: string, holds: (world: LawWorld, kind: KindDriver) => Promise<void>];

const LAWS: readonly Law[] = [
  [
    'what is created is found by id, by name and in the listing, and counted, once and whole',
    async (world, kind) => {
      const before = await kind.count(world);
      const made = await kind.create(world, 'b');
      await kind.create(world, 'a');
      for (const found of [await kind.getById(world, made.owner.id), await kind.get(world, 'b')]) {
        assert.deepEqual(found?.pointer, made.pointer);
        assert.deepEqual(found.resource, made.resource);
        assert.deepEqual(found.envelope, made.envelope);
        assert.deepEqual(found.meta, made.meta);
      }
      assert.equal(made.pointer.state, 'LIVE');
      assert.deepEqual(await kind.list(world), ['a', 'b']);
      assert.equal(await kind.count(world), before + 2);
      await checkStore(world.storage, { atRest: true });
    },
  ],
  [
    'an update makes the next version of it; of two updates of one state, one is refused and changes nothing',
    async (world, kind) => {
      const made = await kind.create(world, 'a');
      const updated = await kind.update(world, made);
      assert.equal(updated.pointer.version, made.pointer.version + 1);
      assert.equal(updated.pointer.incarnation, made.pointer.incarnation);
      await assert.rejects(kind.update(world, made), (error: unknown) => {
        assert.ok(error instanceof world.repo.ResourceConflictError);
        assert.deepEqual(error.conflicts[0]?.current, updated.pointer);
        return true;
      });
      assert.deepEqual((await kind.get(world, 'a'))?.pointer, updated.pointer);
      const again = await kind.update(world, made.owner.id);
      assert.equal(again.pointer.version, updated.pointer.version + 1);
      await checkStore(world.storage, { atRest: true });
    },
  ],
  [
    'each mutation answers its key, blob, version, etag and time, as the stores have them',
    async (world, kind) => {
      const made = await kind.create(world, 'a');
      await holdsMeta(world, made.meta);
      const updated = await kind.update(world, made);
      await holdsMeta(world, updated.meta);
      assert.equal(updated.envelope.previous?.writeId, made.pointer.writeId);
      assert.ok(made.meta.blobUri.endsWith(`/${updated.envelope.previous?.digest}.pb`));
      await holdsMeta(world, await kind.drop(world, updated));
    },
  ],
  [
    'what is dropped is gone by id, by name, from the listing and the count; a tombstone stays',
    async (world, kind) => {
      const made = await kind.create(world, 'a');
      const before = await kind.count(world);
      const { version } = await kind.drop(world, made.owner.id);
      assert.equal(await kind.getById(world, made.owner.id), undefined);
      assert.equal(await kind.get(world, 'a'), undefined);
      assert.deepEqual(await kind.list(world), []);
      assert.equal(await kind.count(world), before - 1);
      const row = await world.storage.pointers.get(made.owner.key);
      assert.deepEqual(
        [row?.state, row?.version, row?.incarnation],
        ['TOMBSTONE', version, made.pointer.incarnation],
      );
      for (const change of [kind.update, kind.drop]) {
        await assert.rejects(change(world, made.owner.id), world.repo.ResourceNotFoundError);
        await assert.rejects(change(world, made), world.repo.ResourceConflictError);
      }
      await checkStore(world.storage, { atRest: true });
    },
  ],
  [
    'the name of what was dropped is free at once',
    async (world, kind) => {
      const first = await kind.create(world, 'a');
      const { version } = await kind.drop(world, first);
      const second = await kind.create(world, 'a');
      assert.deepEqual((await kind.get(world, 'a'))?.pointer, second.pointer);
      if (kind.type === 'account') {
        // Its key is its id, so it goes on from the tombstone.
        assert.equal(second.pointer.version, version + 1);
        assert.equal(second.envelope.previous?.version, BigInt(version));
      } else {
        assert.notEqual(second.owner.id, first.owner.id);
        assert.notEqual(second.pointer.incarnation, first.pointer.incarnation);
      }
      await checkStore(world.storage, { atRest: true });
    },
  ],
  [
    'of many that create one name, one wins, and the others are told who has it',
    async (world, kind) => {
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => kind.create(world, 'a')));
      const holder = await kind.get(world, 'a');
      assert.ok(holder);
      assert.deepEqual(await kind.list(world), ['a']);
      if (kind.type === 'account') {
        for (const outcome of outcomes) assert.equal(outcome.status, 'fulfilled');
        return;
      }
      const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
      assert.equal(lost.length, 7);
      for (const error of lost as unknown[]) {
        assert.ok(error instanceof StorageConflictError);
        assert.match(
          error.message,
          new RegExp(`exists already, as a ${kind.type} with the id ${holder.owner.id}`),
        );
      }
    },
  ],
];

const RENAME_LAWS: readonly Law[] = [
  [
    'a rename takes the new name and gives up the old one, at once; what it is stays',
    async (world, kind) => {
      const made = await kind.create(world, 'a');
      const renamed = await rename(kind, world, made, 'b');
      assert.equal(renamed.owner.id, made.owner.id);
      assert.equal(await kind.get(world, 'a'), undefined);
      assert.deepEqual((await kind.get(world, 'b'))?.pointer, renamed.pointer);
      assert.deepEqual(await kind.list(world), ['b']);
      const [old] = made.envelope.names;
      assert.deepEqual(
        renamed.envelope.transaction.find(({ key }) => key === old?.key)?.version,
        0n,
        'the envelope says which name it gave up',
      );
      assert.notEqual(renamed.envelope.names[0]?.key, old?.key);
      await checkStore(world.storage, { atRest: true });
      assert.ok(await kind.create(world, 'a'));
    },
  ],
  [
    'a rename to a name that is taken is refused with its holder, and changes nothing',
    async (world, kind) => {
      const made = await kind.create(world, 'a');
      const holder = await kind.create(world, 'b');
      await assert.rejects(rename(kind, world, made, 'b'), (error: unknown) => {
        assert.ok(error instanceof StorageConflictError);
        assert.match(error.message, new RegExp(`with the id ${holder.owner.id}`));
        return true;
      });
      assert.deepEqual(await kind.list(world), ['a', 'b']);
      assert.equal((await kind.get(world, 'a'))?.owner.id, made.owner.id);
      await checkStore(world.storage, { atRest: true });
    },
  ],
  [
    'a name that somebody remembers is not served once it leads elsewhere',
    async (world, kind) => {
      const reader = { ...world, repositories: world.cachingClient() };
      const made = await kind.create(world, 'a');
      assert.equal((await kind.get(reader, 'a'))?.owner.id, made.owner.id);
      await rename(kind, world, made, 'b');
      assert.equal(await kind.get(reader, 'a'), undefined);
      const other = await kind.create(world, 'a');
      assert.equal((await kind.get(reader, 'a'))?.owner.id, other.owner.id);
      await kind.drop(world, other);
      assert.equal(await kind.get(reader, 'a'), undefined);
    },
  ],
];

async function rename(kind: KindDriver, world: LawWorld, target: Loaded, name: string): Promise<Loaded> {
  assert.ok(kind.rename);
  return kind.rename(world, target, name);
}

async function holdsMeta({ storage, clock }: LawWorld, meta: MutationMeta): Promise<void> {
  const row = await storage.pointers.get(meta.pointerKey);
  assert.equal(row?.version, meta.version);
  assert.equal(row.kind === 'blob' && row.blobUri, meta.blobUri);
  assert.equal((await storage.blobs.head(meta.blobUri)).etag, meta.etag);
  assert.equal(meta.time, clock.now());
}

/** The laws of every kind. */
export const kindLaws: readonly RepositoryLaw[] = DRIVERS.flatMap((kind) =>
  [...LAWS, ...(kind.rename ? RENAME_LAWS : [])].map(([name, holds]) => ({
    name: `${kind.type}: ${name}`,
    holds: (world: LawWorld) => holds(world, kind),
  })),
);
