import assert from 'node:assert/strict';
import { test } from 'node:test';

import { InvalidArgumentError, StorageMisconfiguredError } from '@floecat/storage-spi';

import { UpstreamLocations } from '../../src/harvest/index.ts';

const map = new UpstreamLocations([
  { prefix: 's3://lake/sales', folder: '/mnt/sales' },
  { prefix: 's3://lake', folder: '/mnt/lake' },
  { prefix: 's3://lake/sales/eu/orders', folder: '/mnt/orders' },
  { prefix: '/srv/warehouse/', folder: '/mnt/warehouse' },
  { prefix: 'lineitem', folder: '/mnt/lineitem' },
  { prefix: './data/persistent', folder: '/mnt/data' },
]);

const where = (locations: UpstreamLocations, location: string): string => {
  const { folder, path } = locations.resolve(location);
  return [folder, ...path].join('/');
};

test('the longest prefix wins, whatever the order of the map', () => {
  assert.equal(where(map, 's3://lake/x/y.json'), '/mnt/lake/x/y.json');
  assert.equal(where(map, 's3://lake/sales/us/y'), '/mnt/sales/us/y');
  assert.equal(where(map, 's3://lake/sales/eu/orders/y'), '/mnt/orders/y');
  assert.equal(where(map, 's3://lake/sales'), '/mnt/sales');
});

test('a prefix ends at a segment: lineitem is not lineitem_iceberg', () => {
  assert.equal(where(map, 'lineitem/metadata'), '/mnt/lineitem/metadata');
  for (const location of [
    'lineitem_iceberg/metadata',
    's3://lakehouse/x',
    '/srv/warehouse2/x',
    'data/persistent2',
  ])
    assert.throws(() => map.resolve(location), InvalidArgumentError, location);
  assert.equal(where(map, 's3://lake/sales-2/y'), '/mnt/lake/sales-2/y');
});

test('spellings of one place are equal', () => {
  for (const location of [
    '/srv/warehouse/t',
    'file:/srv/warehouse/t',
    'file:///srv/warehouse/t',
    'FILE:/srv/warehouse/t',
    'file://localhost/srv/warehouse/t',
    '/srv//warehouse/./t/',
  ])
    assert.equal(where(map, location), '/mnt/warehouse/t', location);
  for (const location of ['lineitem/m', './lineitem/m', '././lineitem//m'])
    assert.equal(where(map, location), '/mnt/lineitem/m', location);
  for (const location of ['s3://lake/x', 's3a://lake/x', 's3n://lake/x', 'S3://lake/x'])
    assert.equal(where(map, location), '/mnt/lake/x', location);
  assert.equal(where(map, 'data/persistent/t'), '/mnt/data/t');
  // Absolute and relative are different places.
  assert.throws(() => map.resolve('/lineitem/m'), InvalidArgumentError);
  assert.throws(() => map.resolve('srv/warehouse/t'), InvalidArgumentError);
});

test('nothing is decoded: real paths contain = and %', () => {
  assert.equal(
    where(map, 's3://lake/event_date=2024-01-01/a%2Fb%2e%2e+c?d#e'),
    '/mnt/lake/event_date=2024-01-01/a%2Fb%2e%2e+c?d#e',
  );
  assert.equal(where(map, 's3://lake/Ünïcode 数'), '/mnt/lake/Ünïcode 数');
});

test('one entry stands for all relative locations, all absolute ones, or all buckets', () => {
  for (const prefix of ['.', './']) {
    const relative = new UpstreamLocations([{ prefix, folder: '/mnt/all' }]);
    assert.equal(where(relative, './lineitem_iceberg'), '/mnt/all/lineitem_iceberg');
    assert.equal(where(relative, 'a/b'), '/mnt/all/a/b');
    assert.throws(() => relative.resolve('/a/b'), InvalidArgumentError);
    assert.throws(() => relative.resolve('s3://a/b'), InvalidArgumentError);
  }
  assert.equal(where(new UpstreamLocations([{ prefix: '/', folder: '/mnt/all' }]), 'file:/a'), '/mnt/all/a');
  assert.equal(
    where(new UpstreamLocations([{ prefix: 's3://', folder: '/mnt/all' }]), 's3a://a/b'),
    '/mnt/all/a/b',
  );
  assert.equal(where(new UpstreamLocations([{ prefix: '.', folder: 'rel' }]), 'a'), `${process.cwd()}/rel/a`);
});

test('what is outside the map is refused, and the message says what to add', () => {
  assert.throws(
    () => map.resolve('s3://other/t/metadata/v1.metadata.json'),
    (error: InvalidArgumentError) =>
      error.code === 'INVALID_ARGUMENT' &&
      error.message.includes('floecat.upstream.locations') &&
      error.message.includes('"s3://other"'),
  );
  assert.throws(() => map.resolve('etc/passwd'), /add an entry .*"etc"/);
  assert.throws(() => map.resolve('/etc/passwd'), /add an entry .*"\/etc"/);
  assert.throws(() => new UpstreamLocations([]).resolve('x'), /add an entry .*"\."/);
});

test('what could lead elsewhere is refused before anything is looked up, and the message names the property', () => {
  const locations = [
    '',
    's3://lake/../x',
    's3://lake/sales/..',
    '../x',
    './..',
    '/srv/warehouse/../../etc/passwd',
    'file:///srv/warehouse/../x',
    's3://../x',
    's3://lake/a\0b',
    's3://lake/a\\..\\b',
    'lineitem\\x',
    'lineitem/\ud800',
    's3:///lake/x',
    's3://./lake',
    'file://host/srv/warehouse/x',
    'file:srv/warehouse',
  ];
  for (const location of locations)
    assert.throws(
      () => map.resolve(location),
      (error: InvalidArgumentError) =>
        error.code === 'INVALID_ARGUMENT' && error.message.includes('floecat.upstream.locations'),
      JSON.stringify(location),
    );
});

test('a map that contradicts itself is refused', () => {
  const twice = [
    { prefix: 's3://a/b', folder: '/x' },
    { prefix: 's3a://a/b/', folder: '/y' },
  ];
  for (const mappings of [
    twice,
    [{ prefix: '../up', folder: '/x' }],
    [{ prefix: '', folder: '/x' }],
    [{ prefix: 'a', folder: '' }],
  ])
    assert.throws(() => new UpstreamLocations(mappings), StorageMisconfiguredError);
});
