import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CasResult, DeleteResult, Pointer, PointerStore } from '@floecat/storage-spi';
import {
  StorageAbortRetryableError,
  StorageClosedError,
  StorageUnavailableError,
  StorageUnknownOutcomeError,
} from '@floecat/storage-spi';
import { HistoryRecorder } from '@floecat/storage-testkit';

const row: Pointer = {
  key: '/k',
  version: 3,
  kind: 'value',
  value: 'v',
  writeId: 'w',
  incarnation: 'i',
  updatedAt: 1,
};

/** A store that gives the answers it was told to, in order. */
function answering(...answers: (() => Promise<unknown>)[]): PointerStore {
  const next = (): Promise<never> => answers.shift()?.() as Promise<never>;
  return { get: next, compareAndSet: next, compareAndDelete: next } as Partial<PointerStore> as PointerStore;
}

void test('reads, applied writes and conflicts are recorded with what they saw, each return after its call', async () => {
  const history = new HistoryRecorder();
  const applied: CasResult = { applied: true, pointer: row };
  const deleted: DeleteResult = { applied: true, deleted: row };
  const client = history.client(
    answering(
      async () => row,
      async () => undefined,
      async () => applied,
      async () => ({ applied: false, current: row }),
      async () => deleted,
      async () => ({ applied: false, current: undefined }),
    ),
  );
  assert.equal(await client.get('/k'), row);
  assert.equal(await client.get('/k'), undefined);
  assert.equal(await client.set('/k', 2, 'v'), true);
  assert.equal(await client.set('/k', row, 'x'), false);
  assert.equal(await client.delete('/k', row), true);
  assert.equal(await client.delete('/k', 1), false);
  const saw = { saw: { version: 3, value: 'v' } };
  assert.deepEqual(
    history.entries.map(({ called, returned, call, outcome }) => [called, returned, call, outcome]),
    [
      [1, 2, { op: 'get' }, saw],
      [3, 4, { op: 'get' }, { saw: undefined }],
      [5, 6, { op: 'set', expected: 2, value: 'v' }, { applied: 3 }],
      [7, 8, { op: 'set', expected: { version: 3, value: 'v' }, value: 'x' }, saw],
      [9, 10, { op: 'delete', expected: { version: 3, value: 'v' } }, { applied: 0 }],
      [11, 12, { op: 'delete', expected: 1 }, { saw: undefined }],
    ],
  );
});

void test('calls that overlap are recorded as overlapping', async () => {
  const history = new HistoryRecorder();
  const gate = Promise.withResolvers<Pointer>();
  const client = history.client(
    answering(
      () => gate.promise,
      async () => row,
    ),
  );
  const slow = client.get('/k');
  await client.get('/k');
  gate.resolve(row);
  await slow;
  assert.deepEqual(
    history.entries.map(({ called, returned }) => [called, returned]),
    [
      [2, 3],
      [1, 4],
    ],
  );
});

void test('an error is passed on; a write is unknown after it unless it certainly was not applied', async () => {
  const errors = [
    { error: new StorageUnknownOutcomeError('lost'), unknown: true },
    { error: new Error('a bug'), unknown: true },
    { error: new StorageAbortRetryableError('again'), unknown: false },
    { error: new StorageUnavailableError('down'), unknown: false },
    { error: new StorageClosedError('closed'), unknown: false },
  ];
  for (const { error, unknown } of errors) {
    const history = new HistoryRecorder();
    const fail = (): Promise<never> => Promise.reject(error);
    const client = history.client(answering(fail, fail, fail));
    const isIt = (thrown: unknown): boolean => thrown === error;
    await assert.rejects(client.get('/k'), isIt);
    await assert.rejects(client.set('/k', 0, 'v'), isIt);
    await assert.rejects(client.delete('/k', 1), isIt);
    assert.deepEqual(
      history.entries.map(({ call, outcome, returned }) => [call.op, outcome, returned]),
      unknown
        ? [
            ['set', 'unknown', Infinity],
            ['delete', 'unknown', Infinity],
          ]
        : [],
    );
  }
});
