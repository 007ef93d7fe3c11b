import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';

import { Shards } from '@floecat/storage-aws';
import type { Pointer } from '@floecat/storage-spi';

import { fromItem, toItem } from '../../src/dynamo/pointer-item.ts';
import { settle } from '../../src/dynamo/settle.ts';
import { StoreClock } from '../../src/dynamo/store-clock.ts';

const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((c) => `${c.repeat(8)}-0000-4000-8000-000000000000`) as [
  string,
  string,
  string,
  string,
];

function shardOf(scope: string, count: number): string {
  const hash = createHash('sha256').update(scope, 'utf8').digest('hex');
  return String(Number.parseInt(hash.slice(0, 8), 16) % count).padStart(4, '0');
}

suite('the format of a row', () => {
  test('shard: SHA-256 of the scope, through the fifth slash, or the fourth where none leads', () => {
    for (const [key, scope] of [
      ['/accounts/a/tables/by-id/t', '/accounts/a/tables/by-id/'],
      ['/accounts/a/tables/by-id/t/snapshots/1', '/accounts/a/tables/by-id/'],
      ['accounts/a/tables/by-id/t/x', 'accounts/a/tables/by-id/'],
      ['/accounts/a/tables/by-id', '/accounts/a/tables/by-id'],
      ['accounts/a', 'accounts/a'],
      ['/é/ü/😀/x/y', '/é/ü/😀/x/'],
      ['//////', '/////'],
    ] as const)
      for (const count of [1, 3, 64, 1_024])
        assert.equal(new Shards(count).ofKey(key), shardOf(scope, count), key);
    // Written down once, so that a change of the rule cannot go unseen.
    assert.equal(new Shards(64).ofKey('/accounts/a/tables/by-id/t'), '0017');
    for (const count of [0, 1.5, 1_025, Number.NaN]) assert.throws(() => new Shards(count), RangeError);
  });

  test('every attribute has its name and type, and what is absent has none', () => {
    const full: Pointer = {
      key: '/k',
      version: 7,
      kind: 'blob',
      blobUri: '/b',
      state: 'LIVE',
      writeId: A,
      prevWriteId: B,
      incarnation: C,
      updatedAt: 1_700_000_000_123,
    };
    const item = toItem('0001', full);
    assert.deepEqual(item, {
      shard: { S: '0001' },
      key: { S: '/k' },
      fmt: { N: '1' },
      kind: { S: 'blob' },
      blob_uri: { S: '/b' },
      state: { S: 'LIVE' },
      version: { N: '7' },
      write_id: { S: A },
      prev_write_id: { S: B },
      incarnation: { S: C },
      updated_at: { N: '1700000000123' },
    });
    assert.deepEqual(fromItem(item, 'get'), full);
    const small: Pointer = {
      key: 'k',
      version: 1,
      kind: 'value',
      value: '',
      expiresAt: 5,
      writeId: A,
      incarnation: A,
      updatedAt: 0,
    };
    assert.deepEqual(Object.keys(toItem('0001', small)), [
      'shard',
      'key',
      'fmt',
      'kind',
      'value',
      'version',
      'write_id',
      'incarnation',
      'updated_at',
      'expires_at',
    ]);
    assert.deepEqual(fromItem(toItem('0001', small), 'get'), small);
  });
});

function row(
  version: number,
  writeId: string,
  prevWriteId: string | undefined,
  incarnation: string,
): Pointer {
  const ids = { writeId, ...(prevWriteId !== undefined && { prevWriteId }), incarnation };
  return { key: '/k', version, kind: 'value', value: '', ...ids, updatedAt: 0 };
}

suite('settling a write that may have been applied', () => {
  const replaced = row(4, B, C, C);
  const update = { writeId: A, replaced, deletes: false };
  for (const [what, found, write, outcome] of [
    ['no row', undefined, update, 'unknown'],
    ['our version', row(5, A, B, C), update, 'applied'],
    ['the version after ours', row(6, D, A, C), update, 'applied'],
    ['another version in place of ours', row(5, D, B, C), update, 'conflict'],
    ['what we meant to replace', replaced, update, 'conflict'],
    ['two versions on, by others', row(6, D, B, C), update, 'unknown'],
    ['another incarnation', row(1, D, undefined, D), update, 'unknown'],
    ['our write id of an earlier write', row(4, A, C, C), update, 'conflict'],
    ['our write id of an earlier write, one version on', row(5, D, A, C), update, 'conflict'],
    ['a create of ours, three versions on', row(4, D, B, A), { ...update, replaced: undefined }, 'applied'],
    ["another's create", row(1, D, undefined, D), { ...update, replaced: undefined }, 'unknown'],
    ['a row that a delete was meant for', row(5, D, B, C), { ...update, deletes: true }, 'conflict'],
    ['a row of our write id at a delete', row(6, D, A, C), { ...update, deletes: true }, 'unknown'],
  ] as const)
    test(`${what}: ${outcome}`, () => assert.equal(settle(found, write), outcome));
});

suite("the store's clock", () => {
  test('is ours, corrected by the least that agrees with the answers', () => {
    let ours = 1_700_000_000_500;
    const clock = new StoreClock({ now: () => ours, monotonic: () => 0, sleep: async () => {} });
    clock.observe(1_700_000_000_000, ours);
    assert.equal(clock.offset, 0, 'the same second');
    clock.observe(1_700_000_010_000, ours);
    assert.equal(clock.offset, 9_500);
    assert.equal(clock.now(), 1_700_000_010_000);
    clock.observe(1_700_000_012_000, ours - 5_000);
    assert.equal(clock.offset, 11_500, 'an answer that took long tells less, but it came no later than now');
    ours += 60_000;
    clock.observe(1_700_000_060_000, ours);
    assert.equal(clock.offset, 1_700_000_060_999 - ours);
    clock.observe(undefined, ours);
    assert.equal(clock.offset, 1_700_000_060_999 - ours);
  });
});
