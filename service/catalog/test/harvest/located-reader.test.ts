import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import type { ObjectSource } from '@floecat/config';
import { InvalidArgumentError, StorageMisconfiguredError, StorageNotFoundError } from '@floecat/storage-spi';

import type { UpstreamMapping } from '../../src/harvest/index.ts';
import { LocatedReader } from '../../src/harvest/index.ts';
import { tempFolder } from './temp-folder.ts';

/** Objects of buckets in memory, and what was asked for. */
class Objects implements ObjectSource {
  readonly asked: string[] = [];
  readonly #objects: ReadonlyMap<string, string>;

  constructor(objects: Readonly<Record<string, string>>) {
    this.#objects = new Map(Object.entries(objects));
  }

  async read(bucket: string, key: string): Promise<Uint8Array> {
    this.asked.push(`${bucket} ${key}`);
    const found = this.#objects.get(`${bucket} ${key}`);
    if (found === undefined) throw new StorageNotFoundError(`no ${bucket} ${key}`);
    return Buffer.from(found);
  }

  async *list(bucket: string, prefix: string): AsyncGenerator<string> {
    this.asked.push(`${bucket} ${prefix}*`);
    for (const each of this.#objects.keys()) {
      const name = each.slice(`${bucket} ${prefix}`.length);
      if (each.startsWith(`${bucket} ${prefix}`) && !name.includes('/')) yield name;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const folder = tempFolder();
mkdirSync(join(folder, 'here'));
writeFileSync(join(folder, 'here', 'a'), 'from the folder');

const OBJECTS = {
  'lake sales/a': 'sales/a',
  'lake sales/b': 'sales/b',
  'lake sales/local/a': 'not from the folder',
  'lake other/a': 'other/a',
  'lake salesman/a': 'salesman/a',
  'lake /sales/a': 'slash first',
  'lake sales//a': 'two slashes',
  'lake sales/%61': 'percent',
  'moved there/t/a': 'moved',
  'moved there/t/deep/a': 'moved deep',
};

function readerOf(
  mappings: readonly UpstreamMapping[],
  ...s3Locations: string[]
): { reader: LocatedReader; source: Objects } {
  const source = new Objects(OBJECTS);
  return { reader: new LocatedReader({ mappings, s3Locations, source }), source };
}

const text = async (reader: LocatedReader, location: string): Promise<string> =>
  Buffer.from(await reader.read(location)).toString();

test('an s3 location is read as bucket and key, letter by letter, under each of its schemes', async () => {
  const { reader } = readerOf([], 's3://lake/sales/');
  assert.equal(await text(reader, 's3://lake/sales/a'), 'sales/a');
  assert.equal(await text(reader, 's3a://lake/sales/a'), 'sales/a');
  assert.equal(await text(reader, 'S3N://lake/sales/b'), 'sales/b');
  assert.equal(await text(reader, 's3://lake/sales//a'), 'two slashes');
  assert.equal(await text(reader, 's3://lake/sales/%61'), 'percent');
  assert.deepEqual(await Array.fromAsync(reader.list('s3://lake/sales')), ['a', 'b', '%61']);
  assert.deepEqual(await Array.fromAsync(reader.list('s3://lake/sales/')), ['a', 'b', '%61']);
});

test('places are whole segments, and nothing outside them is asked for', async () => {
  const { reader, source } = readerOf([], 's3://lake/sales/', 's3a://third/');
  for (const location of [
    's3://lake/salesman/a',
    's3://lake/other/a',
    's3://lake//sales/a',
    's3://lake',
    's3://lake/',
    's3://lake/sale',
    's3://lakes/sales/a',
    's3://LAKE/sales/a',
    's3://lake/sales/../other/a',
    's3://lake/sales/..',
    's3://lake/sales\\..\\a',
    's3://lake%2Fsales/a',
    's3:///lake/sales/a',
  ]) {
    await assert.rejects(reader.read(location), InvalidArgumentError, location);
    await assert.rejects(Array.fromAsync(reader.list(location)), InvalidArgumentError, location);
  }
  assert.deepEqual(source.asked, []);
  await assert.rejects(reader.read('s3://third/x'), StorageNotFoundError);
  await assert.rejects(reader.read('s3://lake/sales/absent'), StorageNotFoundError);
  assert.deepEqual(source.asked, ['third x', 'lake sales/absent']);
});

test('s3:// is every bucket', async () => {
  const { reader } = readerOf([], 's3://');
  assert.equal(await text(reader, 's3://lake/other/a'), 'other/a');
  assert.equal(await text(reader, 's3://lake//sales/a'), 'slash first');
});

test('a mapped folder wins, and the longest prefix of all entries decides', async () => {
  const here = join(folder, 'here');
  const { reader, source } = readerOf(
    [
      { prefix: 's3://lake/sales/local', folder: here },
      { prefix: 'warehouse', location: 's3://moved/there' },
      { prefix: 'warehouse/local', folder: here },
      { prefix: 's3://old', folder: here },
      { prefix: 's3://old/t', location: 's3://moved/there/t/' },
    ],
    's3://',
  );
  assert.equal(await text(reader, 's3://lake/sales/local/a'), 'from the folder');
  assert.equal(await text(reader, 's3a://lake/sales/local/a'), 'from the folder');
  assert.equal(await text(reader, './warehouse/local/a'), 'from the folder');
  assert.equal(await text(reader, 's3://old/a'), 'from the folder');
  assert.deepEqual(await Array.fromAsync(reader.list('warehouse/local')), ['a']);
  assert.deepEqual(source.asked, []);
  assert.equal(await text(reader, 's3://lake/sales/a'), 'sales/a');
  assert.equal(await text(reader, 'warehouse/t/a'), 'moved');
  assert.equal(await text(reader, './warehouse//t/deep/a'), 'moved deep');
  assert.equal(await text(reader, 's3://old/t/a'), 'moved');
  assert.deepEqual(await Array.fromAsync(reader.list('warehouse/t')), ['a']);
  // What is not in the folder is not looked for in S3.
  await assert.rejects(reader.read('s3://lake/sales/local/b'), StorageNotFoundError);
  await assert.rejects(reader.read('warehouse/../t/a'), InvalidArgumentError);
});

/** The error where only a folder could help. */
function one(prefix: string): RegExp {
  return new RegExp(`outside floecat\\.upstream\\.locations: add an entry .*"${prefix}"`);
}

test('where neither covers a location, one error names both properties and what to add', async () => {
  const both =
    /outside floecat\.upstream\.locations and floecat\.upstream\.s3\.locations: add "s3:\/\/x\/" to the/;
  for (const reader of [readerOf([]).reader, readerOf([], 's3://lake/').reader])
    await assert.rejects(reader.read('s3a://x/t/v1.metadata.json'), both);
  // S3 could not have these.
  const { reader } = readerOf([], 's3://');
  await assert.rejects(reader.read('data/persistent/t'), one('data'));
  await assert.rejects(reader.read('gs://bucket/t'), one('gs://bucket'));
  await assert.rejects(reader.read('/etc/passwd'), one('/etc'));
  await assert.rejects(reader.read('s3a-thing://bucket/t'), one('s3a-thing://bucket'));
});

test('a place that a prefix is mapped to must be among those that may be read', () => {
  const moved = [{ prefix: 'warehouse', location: 's3://moved/there' }];
  for (const places of [[], ['s3://moved/there/t/'], ['s3://other/']])
    assert.throws(
      () => readerOf(moved, ...places),
      (error) =>
        error instanceof StorageMisconfiguredError &&
        /"warehouse" is mapped to "s3:\/\/moved\/there", .*floecat\.upstream\.s3\.locations/.test(
          error.message,
        ),
    );
  readerOf(moved, 's3://moved/there/');
  assert.throws(() => readerOf([], 'gs://b/'), StorageMisconfiguredError);
  assert.throws(() => readerOf([], 's3://b/../c/'), StorageMisconfiguredError);
});

test('an abort ends a read and a listing before anything is asked for', async () => {
  const { reader, source } = readerOf([], 's3://');
  const signal = AbortSignal.abort();
  await assert.rejects(reader.read('s3://lake/sales/a', { signal }), { code: 'STORAGE_ABORT_RETRYABLE' });
  await assert.rejects(Array.fromAsync(reader.list('s3://lake/sales', { signal })), {
    code: 'STORAGE_ABORT_RETRYABLE',
  });
  assert.deepEqual(source.asked, []);
});
