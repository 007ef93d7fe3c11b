import assert from 'node:assert/strict';
import { test } from 'node:test';

import { compareValues } from '../../src/demo-lake/column-bounds.ts';
import type { Leaf, Primitive, StructType, TableSchema, Value } from '../../src/demo-lake/table-schema.ts';
import { leavesOf } from '../../src/demo-lake/table-schema.ts';
import type { ReadFile, ReadParquet } from './lake-reader.ts';
import { readBytes, readManifests, readParquet, readTable } from './lake-reader.ts';
import { boundValue, logicalValue } from './logical-value.ts';
import { tempLake } from './temp-lake.ts';

const POSITION_DELETES: StructType = {
  type: 'struct',
  fields: [
    { id: 2147483546, name: 'file_path', required: true, type: 'string' },
    { id: 2147483545, name: 'pos', required: true, type: 'long' },
  ],
};

test('what manifests say of a file is true of it: size, rows, counts, bounds', async () => {
  await using lake = await tempLake();
  let files = 0;
  for (const { metadataLocation } of lake.tables) {
    const { snapshots } = await readTable(metadataLocation);
    const seen = new Map<string, { readonly file: ReadFile; readonly schema: StructType }>();
    for (const manifest of (await Promise.all(snapshots.map(readManifests))).flat())
      for (const { file } of manifest.entries) {
        const schema =
          file.content === 1
            ? POSITION_DELETES
            : (JSON.parse(manifest.header['schema'] ?? '') as TableSchema);
        seen.set(file.file_path, seen.get(file.file_path) ?? { file, schema });
      }
    for (const { file, schema } of seen.values()) {
      // A manifest that was written anew has the table's schema of then; files keep the columns they had.
      const parquet = await readParquet(file.file_path);
      assert.equal(file.file_size_in_bytes, BigInt((await readBytes(file.file_path)).length));
      assert.equal(file.record_count, BigInt(parquet.rows.length));
      checkColumns(file, schema, parquet);
      files++;
    }
  }
  assert.equal(files, 14);
});

function checkColumns(file: ReadFile, schema: StructType, parquet: ReadParquet): void {
  const chunks = parquet.metadata.row_groups.flatMap(({ columns }) => columns);
  const first = chunks[0]?.meta_data;
  assert.deepEqual(file.split_offsets, [first?.dictionary_page_offset ?? first?.data_page_offset]);
  const leaves = leavesOf(schema);
  assert.deepEqual(
    parquet.leafIds,
    leaves.map(({ id }) => id),
  );
  for (const [i, leaf] of leaves.entries()) {
    const chunk = chunks[i]?.meta_data;
    assert.equal(file.columnSizes.get(leaf.id), chunk?.total_compressed_size);
    assert.equal(file.valueCounts.get(leaf.id), chunk?.num_values);
    assert.equal(file.nullCounts.get(leaf.id), chunk?.statistics?.null_count);
    if (leaf.repeated) {
      assert.equal(file.lowerBounds.has(leaf.id) || file.upperBounds.has(leaf.id), false);
      continue;
    }
    const all = parquet.rows.map((row) => leafOf(schema, leaf, row));
    const values = all.filter((value) => value !== null);
    assert.equal(file.valueCounts.get(leaf.id), BigInt(all.length));
    assert.equal(file.nullCounts.get(leaf.id), BigInt(all.length - values.length));
    const nans = values.filter((value) => Number.isNaN(value)).length;
    const counted = leaf.type === 'float' || leaf.type === 'double' ? BigInt(nans) : undefined;
    assert.equal(file.nanCounts.get(leaf.id), counted);
    checkBounds(
      file,
      leaf,
      values.filter((value) => !Number.isNaN(value)),
    );
  }
}

function leafOf(schema: StructType, leaf: Leaf, row: ReadonlyMap<number, unknown>): Primitive | null {
  const top = schema.fields.find(({ name }) => name === leaf.path[0]);
  assert.ok(top);
  let value: Value = logicalValue(top.type, row.get(top.id));
  for (const name of leaf.path.slice(1)) value = (value as Record<string, Value> | null)?.[name] ?? null;
  return value as Primitive | null;
}

function checkBounds(file: ReadFile, leaf: Leaf, values: readonly Primitive[]): void {
  const lower = file.lowerBounds.get(leaf.id);
  const upper = file.upperBounds.get(leaf.id);
  const sorted = values.toSorted(compareValues);
  const least = sorted[0];
  const greatest = sorted.at(-1);
  if (least === undefined || greatest === undefined) {
    assert.equal(lower, undefined);
    assert.equal(upper, undefined);
    return;
  }
  const what = `${leaf.path.join('.')} of ${file.file_path}`;
  const low = boundValue(leaf.type, lower ?? assert.fail(`${what} has no lower bound`)) as Primitive;
  const cut = file.content === 0 && lengthOf(leaf, least) > 16;
  if (cut) assert.ok(lengthOf(leaf, low) === 16 && compareValues(low, least) < 0, what);
  else assert.deepEqual(low, least, what);
  const cutAbove = file.content === 0 && lengthOf(leaf, greatest) > 16;
  if (upper === undefined) {
    assert.deepEqual(greatest, new Uint8Array(20).fill(0xff), `${what} needs an upper bound`);
    return;
  }
  const high = boundValue(leaf.type, upper) as Primitive;
  if (cutAbove) assert.ok(lengthOf(leaf, high) <= 16 && compareValues(high, greatest) > 0, what);
  else assert.deepEqual(high, greatest, what);
}

function lengthOf(leaf: Leaf, value: Primitive): number {
  if (leaf.type === 'string') return Array.from(value as string).length;
  return leaf.type === 'binary' ? (value as Uint8Array).length : 0;
}
