import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Snapshot } from '../../src/demo-lake/table-metadata.ts';
import type { ReadManifest } from './lake-reader.ts';
import { readAvro, readBytes, readManifests, readTable } from './lake-reader.ts';
import { tempLake } from './temp-lake.ts';

test('snapshots follow each other: ids, parents, sequence numbers, log, refs', async () => {
  await using lake = await tempLake();
  for (const { metadataLocation, location } of lake.tables) {
    const table = await readTable(metadataLocation);
    const { snapshots } = table;
    assert.equal(table['format-version'], 2);
    assert.equal(table.location, location);
    for (const [i, snapshot] of snapshots.entries()) {
      const id = snapshot['snapshot-id'];
      assert.equal(
        typeof id,
        'bigint',
        'a snapshot id that a JavaScript number holds would hide a lossy reader',
      );
      assert.notEqual(BigInt(Number(id)), id);
      assert.ok(id < 2n ** 63n);
      assert.equal(snapshot['parent-snapshot-id'], snapshots[i - 1]?.['snapshot-id']);
      assert.equal(Number(snapshot['sequence-number']), i + 1);
      assert.ok(snapshot['timestamp-ms'] > (snapshots[i - 1]?.['timestamp-ms'] ?? 0));
    }
    assert.deepEqual(
      table['snapshot-log'],
      snapshots.map((each) => ({ 'timestamp-ms': each['timestamp-ms'], 'snapshot-id': each['snapshot-id'] })),
    );
    assert.equal(Number(table['last-sequence-number']), snapshots.length);
    const head = snapshots.at(-1)?.['snapshot-id'];
    assert.equal(table['current-snapshot-id'], head);
    assert.deepEqual(table.refs['main'], { 'snapshot-id': head, type: 'branch' });
    for (const ref of Object.values(table.refs))
      assert.ok(snapshots.some((each) => each['snapshot-id'] === ref['snapshot-id']));
    const ids = JSON.stringify(table.schemas).matchAll(/"(?:element-|key-|value-)?id":(\d+)/g);
    const highestId = Math.max(...Array.from(ids, ([, id]) => Number(id)));
    assert.equal(table['last-column-id'], highestId);
  }
});

test('each metadata file names those before it, which are what the table was then', async () => {
  await using lake = await tempLake();
  for (const { metadataLocation } of lake.tables) {
    const table = await readTable(metadataLocation);
    for (const [i, entry] of table['metadata-log'].entries()) {
      const earlier = await readTable(entry['metadata-file']);
      assert.equal(earlier['last-updated-ms'], entry['timestamp-ms']);
      assert.equal(earlier['table-uuid'], table['table-uuid']);
      assert.deepEqual(earlier['metadata-log'], table['metadata-log'].slice(0, i));
      assert.deepEqual(earlier.snapshots, table.snapshots.slice(0, earlier.snapshots.length));
    }
    assert.ok(table['metadata-log'].length >= table.snapshots.length);
  }
});

test('manifest lists agree with their manifests, and summaries with both', async () => {
  await using lake = await tempLake();
  for (const { metadataLocation } of lake.tables) {
    const table = await readTable(metadataLocation);
    for (const snapshot of table.snapshots) {
      const { header } = await readAvro(snapshot['manifest-list']);
      assert.equal(header['snapshot-id'], String(snapshot['snapshot-id']));
      assert.equal(header['parent-snapshot-id'], String(snapshot['parent-snapshot-id'] ?? null));
      assert.equal(header['sequence-number'], String(snapshot['sequence-number']));
      assert.equal(header['format-version'], '2');
      const manifests = await readManifests(snapshot);
      for (const manifest of manifests) await checkManifest(manifest, snapshot, table['partition-specs'][0]);
      checkSummary(manifests, snapshot);
    }
  }
});

async function checkManifest(
  { listed, header, entries }: ReadManifest,
  snapshot: Snapshot,
  spec: unknown,
): Promise<void> {
  const of = (status: number): typeof entries => entries.filter((entry) => entry.status === status);
  const rows = (status: number): bigint =>
    of(status).reduce((sum, entry) => sum + entry.file.record_count, 0n);
  const live = entries.filter(({ status }) => status !== 2);
  const sequenceNumber = listed['sequence_number'] as bigint;
  assert.equal(
    listed['manifest_length'],
    BigInt((await readBytes(listed['manifest_path'] as string)).length),
  );
  assert.deepEqual(
    [1, 0, 2].map((status) => of(status).length),
    [listed['added_files_count'], listed['existing_files_count'], listed['deleted_files_count']],
  );
  assert.deepEqual([1, 0, 2].map(rows), [
    listed['added_rows_count'],
    listed['existing_rows_count'],
    listed['deleted_rows_count'],
  ]);
  const lowest = live.map((entry) => entry.sequenceNumber).sort((a, b) => Number(a - b))[0];
  assert.equal(listed['min_sequence_number'], lowest ?? sequenceNumber);
  assert.ok(sequenceNumber <= snapshot['sequence-number']);
  for (const entry of [...of(1), ...of(2)]) assert.equal(entry.snapshotId, listed['added_snapshot_id']);
  assert.equal(header['content'], listed['content'] === 0 ? 'data' : 'deletes');
  for (const { file } of entries) assert.equal(file.content, listed['content']);
  assert.equal(header['format-version'], '2');
  assert.deepEqual(
    {
      'spec-id': Number(header['partition-spec-id']),
      fields: JSON.parse(header['partition-spec'] ?? '') as unknown,
    },
    spec,
  );
  assert.equal(
    (JSON.parse(header['schema'] ?? '') as { 'schema-id': number })['schema-id'],
    Number(header['schema-id']),
  );
}

function checkSummary(manifests: readonly ReadManifest[], snapshot: Snapshot): void {
  const entries = manifests.flatMap((manifest) => manifest.entries);
  const counted = (
    prefix: 'added' | 'deleted' | 'total',
    keep: (entry: (typeof entries)[number]) => boolean,
  ): Record<string, string> => {
    const kept = entries.filter(keep);
    const data = kept.filter(({ file }) => file.content === 0);
    const deletes = kept.filter(({ file }) => file.content === 1);
    const rows = (of: typeof kept): string =>
      String(of.reduce((sum, { file }) => sum + file.record_count, 0n));
    const size = String(kept.reduce((sum, { file }) => sum + file.file_size_in_bytes, 0n));
    const gone = prefix === 'deleted' ? 'removed' : prefix;
    return {
      [`${prefix}-data-files`]: String(data.length),
      [`${prefix}-records`]: rows(data),
      [`${gone}-delete-files`]: String(deletes.length),
      [`${gone}-position-deletes`]: rows(deletes),
      [`${gone}-files-size`]: size,
    };
  };
  const id = snapshot['snapshot-id'];
  const expected = {
    ...counted('added', (entry) => entry.status === 1 && entry.snapshotId === id),
    ...counted('deleted', (entry) => entry.status === 2 && entry.snapshotId === id),
    ...counted('total', (entry) => entry.status !== 2),
  };
  for (const [name, count] of Object.entries(expected))
    assert.equal(snapshot.summary[name] ?? '0', count, `${name} of snapshot ${id}`);
}

test('the statistics file is where the metadata says, and its blobs are what the footer says', async () => {
  await using lake = await tempLake();
  const cats = await readTable(lake.tables.find(({ name }) => name === 'cats')?.metadataLocation ?? '');
  const [statistics] = cats.statistics;
  assert.ok(statistics);
  assert.equal(statistics['snapshot-id'], cats['current-snapshot-id']);
  const bytes = await readBytes(statistics['statistics-path']);
  assert.equal(bytes.length, statistics['file-size-in-bytes']);
  const footer = bytes.subarray(bytes.length - statistics['file-footer-size-in-bytes']);
  const magic = 'PFA1';
  assert.deepEqual(
    [bytes, footer, footer.subarray(-4)].map((each) => each.toString('latin1', 0, 4)),
    [magic, magic, magic],
  );
  assert.equal(footer.readInt32LE(footer.length - 12), footer.length - 16);
  assert.equal(footer.readUInt32LE(footer.length - 8), 0);
  const { blobs } = JSON.parse(footer.toString('utf8', 4, footer.length - 12)) as {
    blobs: { type: string; fields: number[]; offset: number; length: number; properties: { ndv: string } }[];
  };
  let end = 4;
  for (const { offset, length, properties } of blobs) {
    assert.equal(offset, end);
    end += length;
    // A compact Theta sketch of more than one value: two longs, then a long for each.
    assert.equal(length, 16 + 8 * Number(properties.ndv));
    assert.equal(bytes.readUInt32LE(offset + 8), Number(properties.ndv));
  }
  assert.equal(end, bytes.length - footer.length);
  const distinct = Object.fromEntries(
    blobs.map(({ fields, properties }) => [String(fields), Number(properties.ndv)]),
  );
  assert.deepEqual(distinct, { 1: 16, 2: 16, 3: 7, 4: 13, 5: 15, 6: 3 });
  assert.deepEqual(
    statistics['blob-metadata'].map((blob) => (blob as (typeof blobs)[number]).properties),
    blobs.map(({ properties }) => properties),
  );
});
