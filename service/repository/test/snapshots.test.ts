import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { create, toBinary } from '@bufbuild/protobuf';
import {
  FileContent,
  ScanBundleSchema,
  ScanChunkSchema,
  SnapshotStatisticsSchema,
} from '@floecat/proto/snapshots';
import type { LoadedBundle, LoadedStatistics, LoadedTable, Payload } from '@floecat/repository';
import { BlobWriter, payloadUri, snapshotOwner } from '@floecat/repository';
import { InvalidArgumentError, StorageCorruptionError } from '@floecat/storage-spi';

import type { World } from './support.ts';
import { NEW_TABLE, openWorld } from './support.ts';

const SNAPSHOT = 7_342_794_868_382_145_167n;

suite('snapshots', () => {
  test('files of a bundle come in order across inline and stored chunks, whatever the page size', async () => {
    await using world = await openWorld();
    const { bundle } = await storeBundle(world, [7, 5, 1], 3);
    for (const limit of [1, 2, 4, 16, 1_000]) {
      const paths: string[] = [];
      let pageToken: string | undefined;
      do {
        const page = await world.repositories.snapshots.files(bundle, {
          limit,
          ...(pageToken && { pageToken }),
        });
        assert.ok(page.items.length <= limit);
        paths.push(...page.items.map((file) => file.filePath));
        pageToken = page.nextPageToken;
      } while (pageToken !== undefined);
      assert.deepEqual(
        paths,
        Array.from({ length: 16 }, (_, i) => `f${i}`),
      );
    }
  });

  test('a token of another bundle, or a damaged one, is refused', async () => {
    await using world = await openWorld();
    const { snapshots } = world.repositories;
    const { bundle, table } = await storeBundle(world, [7], 3);
    const { nextPageToken = '' } = await snapshots.files(bundle, { limit: 2 });
    await snapshots.createAll(table, [
      {
        snapshotId: 1n,
        statistics: create(SnapshotStatisticsSchema, { tableId: table.owner.id, snapshotId: 1n }),
        bundle: create(ScanBundleSchema, { tableId: table.owner.id, snapshotId: 1n }),
        writer: new BlobWriter(world.repositories.context),
      },
    ]);
    const other = await snapshots.bundle(table, 1n);
    assert.ok(other);
    await assert.rejects(snapshots.files(other, { pageToken: nextPageToken }), InvalidArgumentError);
    await assert.rejects(
      snapshots.files(bundle, { pageToken: nextPageToken.slice(1) }),
      InvalidArgumentError,
    );
    await assert.rejects(snapshots.files(bundle, { limit: 0 }), InvalidArgumentError);
  });

  test('a chunk that holds another number of files than its bundle says is corruption', async () => {
    await using world = await openWorld();
    const { bundle } = await storeBundle(world, [7], 0, 6);
    await assert.rejects(world.repositories.snapshots.files(bundle), StorageCorruptionError);
  });

  test('snapshots are listed by id, as many as asked for, with every digit of the id', async () => {
    await using world = await openWorld();
    const { snapshots } = world.repositories;
    const { table } = await storeBundle(world, [1], 0);
    for (const snapshotId of [9_223_372_036_854_775_807n, 12n, 0n])
      await snapshots.createAll(table, [
        {
          snapshotId,
          statistics: create(SnapshotStatisticsSchema, { tableId: table.owner.id, snapshotId }),
          bundle: create(ScanBundleSchema, { tableId: table.owner.id, snapshotId }),
          writer: new BlobWriter(world.repositories.context),
        },
      ]);
    const first = await snapshots.list(table, { limit: 3 });
    assert.deepEqual(
      first.items.map(({ resource }) => resource.snapshotId),
      [0n, 12n, SNAPSHOT],
    );
    const { nextPageToken = '' } = first;
    const second = await snapshots.list(table, { limit: 3, pageToken: nextPageToken });
    assert.deepEqual(
      second.items.map(({ resource }) => resource.snapshotId),
      [9_223_372_036_854_775_807n],
    );
    assert.equal(second.nextPageToken, undefined);
    assert.equal(await snapshots.count(table), 4);
    const { owner } = (await snapshots.list(table)).items[0] as LoadedStatistics;
    await world.storage.pointers.compareAndDelete(owner.key, 1);
    assert.equal(await snapshots.count(table), 3, 'a bundle alone is no snapshot');
  });
});

/** A table with one snapshot whose bundle has an inline chunk and stored ones of these sizes. */
async function storeBundle(
  world: World,
  sizes: readonly number[],
  inline: number,
  claimed?: number,
): Promise<{ table: LoadedTable; bundle: LoadedBundle }> {
  const { tables, namespaces, snapshots } = world.repositories;
  const sales = await namespaces.require('lake', ['sales']);
  const staged = await tables.stage(sales, 'orders', NEW_TABLE);
  const owner = snapshotOwner('acme', staged.owner.id, SNAPSHOT, 'scan-bundle');
  let next = 0;
  const filesOf = (count: number): { content: FileContent; filePath: string }[] =>
    Array.from({ length: count }, () => ({ content: FileContent.DATA, filePath: `f${next++}` }));
  const inlineChunk = create(ScanChunkSchema, { files: filesOf(inline) });
  const payloads = sizes.map((size): Payload => {
    const bytes = toBinary(ScanChunkSchema, create(ScanChunkSchema, { files: filesOf(size) }));
    return { uri: payloadUri(owner, 'chunk', bytes), bytes, message: ScanChunkSchema.typeName };
  });
  const bundle = create(ScanBundleSchema, {
    tableId: staged.owner.id,
    snapshotId: SNAPSHOT,
    ...(inline > 0 && { inline: inlineChunk }),
    chunks: payloads.map(({ uri, bytes }, i) => ({
      uri,
      size: BigInt(bytes.length),
      fileCount: BigInt(claimed ?? sizes[i] ?? 0),
    })),
  });
  const writer = new BlobWriter(world.repositories.context);
  for (const payload of payloads) await writer.put(payload);
  const statistics = create(SnapshotStatisticsSchema, { tableId: staged.owner.id, snapshotId: SNAPSHOT });
  await snapshots.createAll(staged, [{ snapshotId: SNAPSHOT, statistics, bundle, writer }]);
  const table = await tables.publish(sales, staged);
  const stored = await snapshots.bundle(table, SNAPSHOT);
  assert.ok(stored);
  return { table, bundle: stored };
}
