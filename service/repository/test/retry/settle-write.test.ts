import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { settleWrite } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';
import { nextPointer } from '@floecat/storage-spi';

const KEY = '/a/b';
const write = (current: Pointer | undefined, writeId: string): Pointer =>
  nextPointer(KEY, current, { kind: 'value', value: writeId }, { writeId, now: 0 });

void suite('settleWrite', () => {
  const before = write(write(undefined, 'c'), 'x');

  void test('a row with any id of this call proves it applied, also one write later', () => {
    const ours = write(before, 'w1');
    assert.deepEqual(settleWrite(before, ours, ['w1', 'w2']), { fate: 'applied', writeId: 'w1' });
    assert.deepEqual(settleWrite(before, write(ours, 'other'), ['w0', 'w1']), {
      fate: 'applied',
      writeId: 'w1',
    });
    const created = write(write(write(write(undefined, 'w1'), 'a'), 'b'), 'c');
    assert.deepEqual(settleWrite(undefined, created, ['w1']), { fate: 'applied', writeId: 'w1' });
  });

  void test('of an update, the id of the create proves nothing: it was there before', () => {
    const own = write(undefined, 'w1');
    assert.equal(settleWrite(own, own, ['w2']).fate, 'pending');
    assert.equal(settleWrite(own, write(write(own, 'x'), 'y'), ['w2']).fate, 'lost');
  });

  void test('the same row as before, or still none, settles nothing yet', () => {
    assert.equal(settleWrite(before, before, ['w1']).fate, 'pending');
    assert.equal(settleWrite(undefined, undefined, ['w1']).fate, 'pending');
  });

  void test("the version that ours would have been, by another's hand, proves it lost", () => {
    const theirs = write(before, 'other');
    assert.equal(settleWrite(before, theirs, ['w1']).fate, 'lost');
    assert.equal(settleWrite(before, write(theirs, 'third'), ['w1']).fate, 'lost');
    assert.equal(settleWrite(undefined, write(undefined, 'other'), ['w1']).fate, 'lost');
  });

  void test('a row that moved on further, vanished or was made again tells nothing', () => {
    const later = write(write(write(before, 'a'), 'b'), 'c');
    assert.equal(settleWrite(before, later, ['w1']).fate, 'unknown');
    assert.equal(settleWrite(before, undefined, ['w1']).fate, 'unknown');
    assert.equal(settleWrite(before, write(undefined, 'again'), ['w1']).fate, 'unknown');
  });
});
