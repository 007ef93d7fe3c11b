import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { seededRandom } from '@floecat/storage-testkit';

import { buildTable } from '../../src/demo-lake/build-table.ts';
import { compareValues } from '../../src/demo-lake/column-bounds.ts';
import { demoStories } from '../../src/demo-lake/demo-content.ts';
import type { LakeFile } from '../../src/demo-lake/table-builder.ts';
import type { Snapshot } from '../../src/demo-lake/table-metadata.ts';
import type { Primitive, TableSchema, Value } from '../../src/demo-lake/table-schema.ts';
import type { Step, TableStory } from '../../src/demo-lake/table-story.ts';
import { expectedSnapshots } from './expected-rows.ts';
import type { ReadEntry } from './lake-reader.ts';
import { readManifests, readParquet, readTable } from './lake-reader.ts';
import { logicalValue } from './logical-value.ts';
import { tempFolder, tempLake } from './temp-lake.ts';

function deleteUpTo(last: number): Step {
  return { kind: 'delete', at: last, where: ({ id }) => Number(id) <= last };
}

test('a row that is deleted twice is deleted once', async () => {
  await using temp = await tempFolder();
  const files: LakeFile[] = [];
  const story: TableStory = {
    namespace: ['a'],
    name: 'b',
    comment: '',
    createdAt: 0,
    schema: {
      'schema-id': 0,
      type: 'struct',
      fields: [{ id: 1, name: 'id', required: true, type: 'int' }],
    },
    spec: { 'spec-id': 0, fields: [] },
    steps: [
      { kind: 'append', at: 1, rows: [2, 3, 4, 5].map((id) => ({ id })) },
      deleteUpTo(2),
      deleteUpTo(4),
    ],
  };
  const { metadataLocation } = buildTable(story, {
    baseLocation: `file://${temp.folder}`,
    random: seededRandom(1),
    emit: (file) => files.push(file),
  });
  for (const { path, bytes } of files) {
    await mkdir(dirname(join(temp.folder, path)), { recursive: true });
    await writeFile(join(temp.folder, path), bytes);
  }
  const { snapshots } = await readTable(metadataLocation);
  const last = snapshots.at(-1) ?? assert.fail('no snapshot');
  assert.deepEqual(await scan(last, story.schema), [[5]]);
  assert.equal(last.summary['added-position-deletes'], '2');
  assert.equal(last.summary['total-position-deletes'], '3');
});

type ById = ReadonlyMap<number, Value>;

for (const story of demoStories) {
  const name = [...story.namespace, story.name].join('.');

  test(`${name}: every snapshot holds exactly the rows of its story`, async () => {
    await using lake = await tempLake();
    const table = lake.tables.find((each) => [...each.namespace, each.name].join('.') === name);
    assert.ok(table);
    const { snapshots, schemas } = await readTable(table.metadataLocation);
    const expected = expectedSnapshots(story);
    assert.equal(snapshots.length, expected.length);
    for (const [i, snapshot] of snapshots.entries()) {
      const schema = schemas.find((each) => each['schema-id'] === snapshot['schema-id']);
      assert.deepEqual(schema, expected[i]?.schema);
      const wanted = (expected[i]?.rows ?? []).map(
        ({ schema: then, row }): ById =>
          new Map(then.fields.map(({ id, name: column }) => [id, row[column] ?? null])),
      );
      assert.deepEqual(await scan(snapshot, schema as TableSchema), project(wanted, schema as TableSchema));
    }
  });
}

/** Rows by field id, in the types of the schema, ordered by the first column, which is unique in every table. */
function project(rows: readonly ById[], schema: TableSchema): Value[][] {
  return rows
    .map((row) =>
      schema.fields.map(({ id, type }) => {
        const value = row.get(id) ?? null;
        return type === 'long' && typeof value === 'number' ? BigInt(value) : value;
      }),
    )
    .sort(([a = null], [b = null]) => compareValues(a as Primitive, b as Primitive));
}

/** Reads a snapshot as an engine does: live data files, less the positions that later delete files name. */
async function scan(snapshot: Snapshot, schema: TableSchema): Promise<Value[][]> {
  const live = (await readManifests(snapshot)).flatMap(({ entries }) =>
    entries.filter(({ status }) => status !== 2),
  );
  const deleted = new Set<string>();
  for (const entry of live.filter(({ file }) => file.content === 1))
    for (const [path, position] of await deletedPositions(entry, live)) deleted.add(`${path}#${position}`);
  const rows: ById[] = [];
  for (const { file } of live.filter((entry) => entry.file.content === 0)) {
    const parquet = await readParquet(file.file_path);
    for (const [position, row] of parquet.rows.entries())
      if (!deleted.has(`${file.file_path}#${position}`))
        rows.push(new Map(schema.fields.map(({ id, type }) => [id, logicalValue(type, row.get(id))])));
  }
  return project(rows, schema);
}

async function deletedPositions(entry: ReadEntry, live: readonly ReadEntry[]): Promise<[string, bigint][]> {
  const { rows } = await readParquet(entry.file.file_path);
  return rows.map((row) => {
    const path = row.get(2147483546) as string;
    const target = live.find(({ file }) => file.file_path === path);
    assert.ok(target, `${entry.file.file_path} deletes from a file that is not in the snapshot`);
    assert.ok(
      entry.sequenceNumber >= target.sequenceNumber,
      'deletes reach only files of their time or before',
    );
    assert.deepEqual(
      entry.file.partition,
      target.file.partition,
      'deletes reach only files of their partition',
    );
    assert.equal(entry.file.referenced_data_file, path);
    return [path, row.get(2147483545) as bigint];
  });
}
