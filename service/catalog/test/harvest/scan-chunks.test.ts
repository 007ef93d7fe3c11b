import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MAX_CHUNK_BYTES, MAX_CHUNK_FILES } from '../../src/harvest/index.ts';
import { harvestSnapshot } from '../../src/harvest/index.ts';
import { harvested } from './harvested.ts';
import type { DataFile } from './synthetic-table.ts';
import {
  byField,
  LIST,
  manifest,
  manifestList,
  MemoryLake,
  SNAPSHOT_ID,
  tableMetadata,
} from './synthetic-table.ts';

function lakeOf(groups: readonly (readonly DataFile[])[]): MemoryLake {
  const lake = new MemoryLake();
  for (const [i, group] of groups.entries())
    lake.files.set(
      `mem://${i}`,
      manifest({ codec: 'deflate', entries: group.map((data_file) => ({ data_file })) }),
    );
  lake.files.set(LIST, manifestList(groups.map((_, i) => ({ path: `mem://${i}` }))));
  return lake;
}

const numbered = (from: number, count: number, more: DataFile = {}): DataFile[] =>
  Array.from({ length: count }, (_, i) => ({ file_path: `mem://data/${from + i}`, ...more }));

test('5,000 files are five chunks of 1,000, in order, whatever manifests they come from', async () => {
  const groups = [numbered(0, 1), numbered(1, 2_998), numbered(2_999, 2_001)];
  const { files, chunkSizes } = await harvested({
    reader: lakeOf(groups),
    metadata: tableMetadata(),
    snapshotId: SNAPSHOT_ID,
  });
  assert.deepEqual(
    chunkSizes.map((chunk) => chunk.files),
    [1_000, 1_000, 1_000, 1_000, 1_000],
  );
  assert.deepEqual(
    files.map(({ filePath }) => filePath),
    numbered(0, 5_000).map(({ file_path }) => file_path),
  );
  assert.equal(MAX_CHUNK_FILES, 1_000);
});

test('a chunk closes before it passes 4 MiB; only a single larger file makes a larger one', async () => {
  const wide = {
    lower_bounds: byField({ 1: Buffer.alloc(100_000, 1) }),
    upper_bounds: byField({ 1: Buffer.alloc(100_000, 2) }),
  };
  const huge = { key_metadata: Buffer.alloc(5 * 1024 * 1024, 3) };
  const groups = [[...numbered(0, 50, wide), ...numbered(50, 1, huge), ...numbered(51, 2)]];
  const { files, chunkSizes } = await harvested({
    reader: lakeOf(groups),
    metadata: tableMetadata(),
    snapshotId: SNAPSHOT_ID,
  });
  assert.deepEqual(
    chunkSizes.map((chunk) => chunk.files),
    [20, 20, 10, 1, 2],
  );
  for (const { files: count, bytes } of chunkSizes)
    assert.ok(count === 1 || bytes <= MAX_CHUNK_BYTES, `${bytes}`);
  assert.deepEqual(
    files.map(({ filePath }) => filePath),
    numbered(0, 53).map(({ file_path }) => file_path),
  );
});

test('an entry of more than 16 MiB is damage: no blob would hold it', async () => {
  const groups = [numbered(0, 1, { key_metadata: Buffer.alloc(17 * 1024 * 1024) })];
  const { problems } = await harvested({
    reader: lakeOf(groups),
    metadata: tableMetadata(),
    snapshotId: SNAPSHOT_ID,
  });
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['DAMAGED'],
  );
});

test('no files make no chunk', async () => {
  const { chunkSizes } = await harvested({
    reader: lakeOf([[]]),
    metadata: tableMetadata(),
    snapshotId: SNAPSHOT_ID,
  });
  assert.deepEqual(chunkSizes, []);
});

test('the next chunk is made only once the last one was taken', async () => {
  let taking = 0;
  let taken = 0;
  await harvestSnapshot({
    reader: lakeOf([numbered(0, 4_000)]),
    metadata: tableMetadata(),
    snapshotId: SNAPSHOT_ID,
    onChunk: async () => {
      assert.equal(++taking, 1);
      await new Promise((resolve) => setImmediate(resolve));
      taking--;
      taken++;
    },
  });
  assert.equal(taken, 4);
});

test('the same lake makes the same chunks, byte for byte', async () => {
  const lake = lakeOf([numbered(0, 700), numbered(700, 700)]);
  const run = async (): Promise<string[]> => {
    const chunks: string[] = [];
    const onChunk = async ({ bytes }: { readonly bytes: Uint8Array }): Promise<void> => {
      chunks.push(Buffer.from(bytes).toString('base64'));
    };
    await harvestSnapshot({ reader: lake, metadata: tableMetadata(), snapshotId: SNAPSHOT_ID, onChunk });
    return chunks;
  };
  const first = await run();
  assert.equal(first.length, 2);
  assert.deepEqual(await run(), first);
});
