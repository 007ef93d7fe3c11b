import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { InvalidArgumentError, StorageNotFoundError, StorageUnavailableError } from '@floecat/storage-spi';

import { readTableMetadata } from '../../src/harvest/index.ts';
import { MemoryLake } from './synthetic-table.ts';

/** Valid metadata, told apart by when it was updated. */
const document = (updated: number): string =>
  `{"format-version": 2, "location": "mem://t", "last-updated-ms": ${updated}, "schemas": [{"type":"struct","schema-id":0,"fields":[]}], "current-schema-id": 0,  "odd" : 1.50}\n`;

function lakeOf(files: Readonly<Record<string, string | Buffer>>): MemoryLake {
  const lake = new MemoryLake();
  for (const [name, content] of Object.entries(files))
    lake.files.set(`mem://t/metadata/${name}`, Buffer.from(content));
  return lake;
}

async function found(
  files: Readonly<Record<string, string | Buffer>>,
  location = 'mem://t',
): Promise<string> {
  const { metadataLocation } = await readTableMetadata(lakeOf(files), location);
  return metadataLocation.replace('mem://t/metadata/', '');
}

test('the text is returned byte for byte; gzip is told by its bytes, not its name', async () => {
  const text = document(1);
  const zipped = gzipSync(text);
  for (const [name, content] of [
    ['v1.metadata.json', text],
    ['v1.gz.metadata.json', zipped],
    ['v1.metadata.json.gz', zipped],
    ['v1.gz.metadata.json', text],
    ['v1.metadata.json', zipped],
    ['plain.json', text],
  ] as const) {
    const read = await readTableMetadata(lakeOf({ [name]: content }), `mem://t/metadata/${name}`);
    assert.equal(Buffer.from(read.text).toString(), text);
    assert.equal(read.metadataLocation, `mem://t/metadata/${name}`);
    assert.equal(read.metadata.metadataLocation, read.metadataLocation);
    assert.equal(read.metadata.lastUpdatedMs, 1n);
  }
});

test('a byte order mark is cut off, so that the text can be served inside of JSON', async () => {
  const read = await readTableMetadata(lakeOf({ 'v1.metadata.json': '\ufeff' + document(3) }), 'mem://t');
  assert.equal(Buffer.from(read.text).toString(), document(3));
  assert.equal(read.metadata.lastUpdatedMs, 3n);
});

test('the hint is followed: a number, a name with and without its ending', async () => {
  const files = {
    'v3.metadata.json': document(3),
    'v4.metadata.json': document(4),
    '00009-a.metadata.json': document(9),
    '00008-b.gz.metadata.json': gzipSync(document(8)),
  };
  assert.equal(await found({ ...files, 'version-hint.text': '4\n' }), 'v4.metadata.json');
  assert.equal(await found({ ...files, 'version-hint.text': '00009-a' }), '00009-a.metadata.json');
  assert.equal(
    await found({ ...files, 'version-hint.text': '00009-a.metadata.json' }),
    '00009-a.metadata.json',
  );
  assert.equal(await found({ ...files, 'version-hint.text': '00008-b' }), '00008-b.gz.metadata.json');
  assert.equal(await found({ ...files, 'version-hint.text': '4' }, 'mem://t//'), 'v4.metadata.json');
});

test('a hint that its writer did not get to update is behind: later versions win, up to the first gap', async () => {
  const files = {
    'version-hint.text': '3',
    'v3.metadata.json': document(3),
    'v4.gz.metadata.json': gzipSync(document(4)),
    'v5.metadata.json': document(5),
    'v7.metadata.json': document(7),
  };
  assert.equal(await found(files), 'v5.metadata.json');
});

test('without a hint, or where it leads nowhere, the highest number wins', async () => {
  const files = {
    '00002-aaa.metadata.json': document(9),
    '00010-bbb.metadata.json': document(1),
    '9-x.metadata.json': document(1),
    'v7.metadata.json': document(1),
    'notes.json': '{}',
    'snap-1.avro': '',
  };
  assert.equal(await found(files), '00010-bbb.metadata.json');
  for (const hint of ['99', '', '\n', 'no-such-name'])
    assert.equal(await found({ ...files, 'version-hint.text': hint }), '00010-bbb.metadata.json');
  assert.equal(
    await found({ ...files, 'v11.gz.metadata.json': gzipSync(document(1)) }),
    'v11.gz.metadata.json',
  );
  assert.equal(
    await found({ ...files, '00012-c.metadata.json.gz': gzipSync(document(1)) }),
    '00012-c.metadata.json.gz',
  );
});

test('of one number, the one updated last wins', async () => {
  assert.equal(
    await found({
      '00005-a.metadata.json': document(20),
      '00005-b.metadata.json': document(10),
      'v5.metadata.json': document(15),
    }),
    '00005-a.metadata.json',
  );
  assert.equal(
    await found({ '00005-a.metadata.json': document(20), '00005-b.metadata.json': document(20) }),
    '00005-b.metadata.json',
  );
});

test('nothing there is STORAGE_NOT_FOUND; nonsense is INVALID_ARGUMENT', async () => {
  await assert.rejects(readTableMetadata(lakeOf({ 'notes.json': '{}' }), 'mem://t'), StorageNotFoundError);
  await assert.rejects(
    readTableMetadata(lakeOf({}), 'mem://t/metadata/v1.metadata.json'),
    StorageNotFoundError,
  );
  const nonsense: Record<string, Buffer> = {
    truncated: gzipSync(document(1)).subarray(0, 60),
    'not gzip': Buffer.from([0x1f, 0x8b, 1, 2, 3]),
    'not UTF-8': Buffer.from([0x7b, 0xff, 0xfe]),
    'not JSON': Buffer.from('{"format-version": 2'),
    Parquet: Buffer.from('PAR1'),
    empty: Buffer.alloc(0),
  };
  for (const [what, content] of Object.entries(nonsense))
    await assert.rejects(
      readTableMetadata(lakeOf({ 'v1.metadata.json': content }), 'mem://t'),
      (error: InvalidArgumentError) =>
        error.code === 'INVALID_ARGUMENT' && error.message.includes('mem://t/metadata/v1.metadata.json'),
      what,
    );
});

test('a hint that is no name is refused, not followed', async () => {
  for (const hint of ['../other/v1', '/etc/passwd', 'a/b'])
    await assert.rejects(
      found({ 'version-hint.text': hint, 'v1.metadata.json': document(1) }),
      InvalidArgumentError,
      hint,
    );
});

test('a failing disk is not taken for a missing hint', async () => {
  const lake = lakeOf({ 'v1.metadata.json': document(1) });
  lake.read = async () => {
    throw new StorageUnavailableError('EIO');
  };
  await assert.rejects(readTableMetadata(lake, 'mem://t'), StorageUnavailableError);
});
