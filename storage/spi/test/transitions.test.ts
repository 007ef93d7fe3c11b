import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { BatchOperation, Pointer } from '@floecat/storage-spi';
import { decideBatch, decideImport, isExpired, matches, nextPointer } from '@floecat/storage-spi';

const [FIRST, SECOND, THIRD] = [
  '11111111-1111-4111-8111-111111111111',
  '22222222-2222-4222-8222-222222222222',
  '33333333-3333-4333-8333-333333333333',
] as const;
const write = { writeId: SECOND, now: 5_000 };

const row: Pointer = Object.freeze({
  key: '/a',
  version: 1,
  kind: 'value',
  value: 'one',
  state: 'LIVE',
  writeId: FIRST,
  incarnation: FIRST,
  updatedAt: 1_000,
});

void test('isExpired: absent from its second on, never without an expiry', () => {
  const { state: _state, ...stateless } = row;
  const expiring = { ...stateless, expiresAt: 10 } as Pointer;
  assert.deepEqual(
    [0, 9_999, 10_000, 10_001, 1e15].map((now) => isExpired(expiring, now)),
    [false, false, true, true, true],
  );
  assert.equal(isExpired(row, 1e15), false);
});

void test('matches: a number compares versions, a pointer the write id too', () => {
  assert.equal(matches(undefined, 0), true);
  assert.equal(matches(undefined, 1), false);
  assert.equal(matches(undefined, row), false);
  assert.equal(matches(row, 0), false);
  assert.equal(matches(row, 1), true);
  assert.equal(matches(row, row), true);
  assert.equal(matches(row, { ...row }), true);
  assert.equal(matches(row, { ...row, writeId: SECOND }), false);
  assert.equal(matches(row, { ...row, version: 2 }), false);
});

void test('nextPointer: version and ids follow from what was there', () => {
  const created = nextPointer('/a', undefined, { kind: 'blob', blobUri: '/x' }, write);
  assert.deepEqual(created, {
    key: '/a',
    version: 1,
    kind: 'blob',
    blobUri: '/x',
    writeId: SECOND,
    incarnation: SECOND,
    updatedAt: 5_000,
  });
  const updated = nextPointer('/a', row, { kind: 'value', value: 'two', expiresAt: 9 }, write);
  assert.deepEqual(updated, {
    key: '/a',
    version: 2,
    kind: 'value',
    value: 'two',
    expiresAt: 9,
    writeId: SECOND,
    prevWriteId: FIRST,
    incarnation: FIRST,
    updatedAt: 5_000,
  });
  assert.ok(Object.isFrozen(created) && Object.isFrozen(updated));
});

void test('nextPointer takes over no field that a writer cannot set', () => {
  const forged = {
    ...row,
    version: 99,
    writeId: THIRD,
    incarnation: THIRD,
    prevWriteId: THIRD,
    key: '/b',
    more: 1,
  };
  const next = nextPointer('/a', undefined, forged, write);
  assert.deepEqual(
    Object.keys(next).toSorted(),
    ['incarnation', 'key', 'kind', 'state', 'updatedAt', 'value', 'version', 'writeId'].toSorted(),
  );
  assert.deepEqual([next.key, next.version, next.writeId, next.incarnation], ['/a', 1, SECOND, SECOND]);
});

const holding: readonly BatchOperation[] = [
  { op: 'upsert', key: '/new', expected: 0, next: { kind: 'value', value: 'n' } },
  { op: 'upsert', key: '/a', expected: row, next: { kind: 'value', value: 'two' } },
  { op: 'delete', key: '/b', expected: 1 },
  { op: 'check', key: '/c', expected: 1 },
  { op: 'check-owner', key: '/d', incarnation: FIRST, states: ['STAGED', 'LIVE'] },
  { op: 'check-absent', key: '/none' },
];

function read(key: string): Pointer | undefined {
  return ['/a', '/b', '/c', '/d'].includes(key) ? { ...row, key } : undefined;
}

void test('decideBatch: where all conditions hold, writes are upserts and deletes alone, under one write id', () => {
  const decision = decideBatch(holding, read, write);
  assert.ok(decision.applied);
  assert.deepEqual(
    decision.writes.map(([key, pointer]) => [key, pointer?.version, pointer?.writeId]),
    [
      ['/new', 1, SECOND],
      ['/a', 2, SECOND],
      ['/b', undefined, undefined],
    ],
  );
  assert.deepEqual(
    decision.pointers.map((pointer) => pointer?.version),
    [1, 2, undefined, 1, undefined, undefined],
  );
});

const failing: readonly BatchOperation[] = [
  { op: 'upsert', key: '/a', expected: 0, next: { kind: 'value', value: 'n' } },
  { op: 'upsert', key: '/a', expected: { ...row, writeId: THIRD }, next: { kind: 'value', value: 'n' } },
  { op: 'delete', key: '/a', expected: 2 },
  { op: 'check', key: '/a', expected: 2 },
  { op: 'check-owner', key: '/a', incarnation: SECOND, states: ['LIVE'] },
  { op: 'check-owner', key: '/a', incarnation: FIRST, states: ['STAGED', 'DELETING', 'TOMBSTONE'] },
  { op: 'check-absent', key: '/a' },
];

for (const operation of failing)
  void test(`decideBatch: one ${operation.op} that fails writes nothing and says what is there`, () => {
    const others = holding.filter(({ key }) => key !== '/a');
    const decision = decideBatch([...others, operation], read, write);
    assert.ok(!decision.applied);
    assert.deepEqual(decision.outcomes, [
      ...others.map(() => ({ ok: true })),
      { ok: false, current: read('/a') },
    ]);
  });

void test('decideBatch: an owner without a state, or absent, fails every check of states', () => {
  const check: BatchOperation = { op: 'check-owner', key: '/x', incarnation: FIRST, states: ['LIVE'] };
  const { state: _state, ...stateless } = row;
  for (const current of [stateless as Pointer, undefined])
    assert.deepEqual(
      decideBatch([check], () => current, write),
      {
        applied: false,
        outcomes: [{ ok: false, current }],
      },
    );
});

function entry(version: number, incarnation: string = FIRST): Pointer {
  return { ...row, version, incarnation };
}

void test('decideImport: into nothing always, over a row by mode, version and incarnation', () => {
  const current = entry(5);
  const reason = (given: Pointer, mode: 'if-absent' | 'if-lower') =>
    decideImport(given, current, mode)?.reason;
  assert.equal(decideImport(entry(1), undefined, 'if-absent'), undefined);
  assert.equal(decideImport(entry(1), undefined, 'if-lower'), undefined);
  assert.deepEqual(decideImport(entry(9), current, 'if-absent'), { key: '/a', reason: 'present', current });
  assert.equal(reason(entry(6), 'if-lower'), undefined);
  assert.equal(reason(entry(5), 'if-lower'), 'not-lower');
  assert.equal(reason(entry(4), 'if-lower'), 'not-lower');
  assert.equal(reason(entry(9, SECOND), 'if-lower'), 'other-incarnation');
});
