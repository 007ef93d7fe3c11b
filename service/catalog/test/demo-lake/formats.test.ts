import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readAvro, readManifests, readParquet, readTable } from './lake-reader.ts';
import { tempLake } from './temp-lake.ts';

/** The field ids of Iceberg's specification, by the path of the field. */
const MANIFEST_LIST_IDS = {
  manifest_path: 500,
  manifest_length: 501,
  partition_spec_id: 502,
  content: 517,
  sequence_number: 515,
  min_sequence_number: 516,
  added_snapshot_id: 503,
  added_files_count: 504,
  existing_files_count: 505,
  deleted_files_count: 506,
  added_rows_count: 512,
  existing_rows_count: 513,
  deleted_rows_count: 514,
  partitions: 507,
  'partitions[]': 508,
  'partitions[].contains_null': 509,
  'partitions[].contains_nan': 518,
  'partitions[].lower_bound': 510,
  'partitions[].upper_bound': 511,
};

const MANIFEST_IDS = {
  status: 0,
  snapshot_id: 1,
  sequence_number: 3,
  file_sequence_number: 4,
  data_file: 2,
  'data_file.content': 134,
  'data_file.file_path': 100,
  'data_file.file_format': 101,
  'data_file.partition': 102,
  'data_file.partition.arrived_day': 1000,
  'data_file.partition.branch': 1001,
  'data_file.record_count': 103,
  'data_file.file_size_in_bytes': 104,
  'data_file.column_sizes': 108,
  'data_file.column_sizes[].key': 117,
  'data_file.column_sizes[].value': 118,
  'data_file.value_counts': 109,
  'data_file.value_counts[].key': 119,
  'data_file.value_counts[].value': 120,
  'data_file.null_value_counts': 110,
  'data_file.null_value_counts[].key': 121,
  'data_file.null_value_counts[].value': 122,
  'data_file.nan_value_counts': 137,
  'data_file.nan_value_counts[].key': 138,
  'data_file.nan_value_counts[].value': 139,
  'data_file.lower_bounds': 125,
  'data_file.lower_bounds[].key': 126,
  'data_file.lower_bounds[].value': 127,
  'data_file.upper_bounds': 128,
  'data_file.upper_bounds[].key': 129,
  'data_file.upper_bounds[].value': 130,
  'data_file.split_offsets': 132,
  'data_file.split_offsets[]': 133,
  'data_file.sort_order_id': 140,
  'data_file.referenced_data_file': 143,
};

test('manifest lists and manifests carry the field ids of the specification', async () => {
  await using lake = await tempLake();
  const visits = lake.tables.find(({ name }) => name === 'visits');
  const { snapshots } = await readTable(visits?.metadataLocation ?? '');
  for (const snapshot of snapshots) {
    assert.deepEqual(fieldIds((await readAvro(snapshot['manifest-list'])).header), MANIFEST_LIST_IDS);
    for (const { header } of await readManifests(snapshot)) assert.deepEqual(fieldIds(header), MANIFEST_IDS);
  }
});

interface AvroType {
  readonly type: string | AvroType;
  readonly fields?: readonly (AvroType & { readonly name: string; readonly 'field-id': number })[];
  readonly items?: AvroType;
  readonly 'element-id'?: number;
}

function fieldIds(header: Readonly<Record<string, string>>): Record<string, number> {
  const ids: Record<string, number> = {};
  const walk = (type: unknown, path: string): void => {
    const { fields, items, ...rest } = (
      Array.isArray(type) ? (type as unknown[]).find((branch) => branch !== 'null') : type
    ) as AvroType;
    if (rest['element-id'] !== undefined) ids[`${path}[]`] = rest['element-id'];
    if (items) walk(items, `${path}[]`);
    for (const field of fields ?? []) {
      const below = path === '' ? field.name : `${path}.${field.name}`;
      ids[below] = field['field-id'];
      walk(field.type, below);
    }
  };
  walk(JSON.parse(header['avro.schema'] ?? ''), '');
  return ids;
}

test('every type of column has the Parquet type that Iceberg prescribes', async () => {
  await using lake = await tempLake();
  const checkups = lake.tables.find(({ name }) => name === 'checkups');
  const { snapshots } = await readTable(checkups?.metadataLocation ?? '');
  const [manifest] = await readManifests(snapshots[0] ?? assert.fail('no snapshot'));
  const { metadata } = await readParquet(manifest?.entries[0]?.file.file_path ?? '');
  const described = metadata.schema.slice(1).map((element) => {
    const {
      type = 'group',
      type_length: length,
      logical_type: logical,
      repetition_type: repetition,
    } = element;
    const physical = length === undefined ? type : `${type}(${length})`;
    return [element.name, element.field_id, repetition, physical, JSON.stringify(logical)].join(' ').trim();
  });
  const string = 'BYTE_ARRAY {"type":"STRING"}';
  assert.deepEqual(described, [
    'checkup_id 1 REQUIRED FIXED_LEN_BYTE_ARRAY(16) {"type":"UUID"}',
    'cat_id 2 REQUIRED INT64',
    'vaccinated 3 OPTIONAL BOOLEAN',
    'heart_rate 4 OPTIONAL INT32',
    'chip_number 5 OPTIONAL INT64',
    'temperature 6 OPTIONAL FLOAT',
    'purr_hz 7 OPTIONAL DOUBLE',
    'fee 8 OPTIONAL INT32 {"type":"DECIMAL","scale":2,"precision":9}',
    'dose_mg 9 OPTIONAL INT64 {"type":"DECIMAL","scale":6,"precision":14}',
    'lab_value 10 OPTIONAL FIXED_LEN_BYTE_ARRAY(16) {"type":"DECIMAL","scale":10,"precision":38}',
    'born 11 OPTIONAL INT32 {"type":"DATE"}',
    'fed_at 12 OPTIONAL INT64 {"type":"TIME","isAdjustedToUTC":false,"unit":"MICROS"}',
    'clinic_time 13 OPTIONAL INT64 {"type":"TIMESTAMP","isAdjustedToUTC":false,"unit":"MICROS"}',
    'recorded_at 14 OPTIONAL INT64 {"type":"TIMESTAMP","isAdjustedToUTC":true,"unit":"MICROS"}',
    `remark 15 OPTIONAL ${string}`,
    'paw_print 16 OPTIONAL FIXED_LEN_BYTE_ARRAY(8)',
    'scan 17 OPTIONAL BYTE_ARRAY',
    'owner 18 OPTIONAL group',
    `name 19 REQUIRED ${string}`,
    `phone 20 OPTIONAL ${string}`,
    'symptoms 24 OPTIONAL group {"type":"LIST"}',
    'list  REPEATED group',
    `element 21 OPTIONAL ${string}`,
    'readings 25 OPTIONAL group {"type":"MAP"}',
    'key_value  REPEATED group',
    `key 22 REQUIRED ${string}`,
    'value 23 OPTIONAL INT32',
  ]);
});
