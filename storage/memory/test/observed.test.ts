import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openMemoryStorage } from '@floecat/storage-memory';
import type {
  Observation,
  OperationFacts,
  PointerStore,
  RequestObservation,
  Storage,
  StorageObserver,
} from '@floecat/storage-spi';
import { InvalidArgumentError, observePointerStore, observeStorage } from '@floecat/storage-spi';
import { FakeClock, seededRandom } from '@floecat/storage-testkit';

/** One line for each operation that ended. */
class Notes implements StorageObserver {
  readonly lines: string[] = [];
  readonly ended: OperationFacts[] = [];

  operation(store: string, operation: string): Observation<OperationFacts> {
    return {
      within: (body) => body(),
      end: (facts) => {
        const { outcome, items, bytesRead, bytesWritten } = facts;
        this.ended.push(facts);
        this.lines.push(
          `${store} ${operation}: ${outcome}, ${items} items, ${bytesRead} r, ${bytesWritten} w`,
        );
      },
    };
  }

  request(): RequestObservation {
    throw new Error('the memory store makes no request');
  }

  take(): string[] {
    return this.lines.splice(0);
  }
}

function observedMemory(): { readonly storage: Storage; readonly notes: Notes } {
  const notes = new Notes();
  const clock = new FakeClock();
  const storage = openMemoryStorage({ clock, random: seededRandom(1) });
  return { storage: observeStorage(storage, notes, clock), notes };
}

const value = (text: string): { readonly kind: 'value'; readonly value: string } => ({
  kind: 'value',
  value: text,
});

test('every operation of pointers is told, with what it read and wrote', async () => {
  const { storage, notes } = observedMemory();
  const { pointers } = storage;
  // Two bytes in UTF-8 for the ä, so that characters are not taken for bytes.
  await pointers.compareAndSet('/ä', 0, value('1234'));
  await pointers.compareAndSet('/ä', 0, value('never'));
  await pointers.compareAndSet('/b', 0, { kind: 'blob', blobUri: '/blob' });
  const read = await pointers.get('/ä');
  await pointers.get('/absent');
  await pointers.getBatch(['/ä', '/absent', '/b', '/b']);
  await pointers.listPointersByPrefix('/');
  await pointers.countByPrefix('/');
  await pointers.pageTokenAfterKey('/', '/b');
  assert.deepEqual(notes.take(), [
    'pointers compareAndSet: applied, 1 items, 0 r, 7 w',
    'pointers compareAndSet: conflict, 0 items, 0 r, 0 w',
    'pointers compareAndSet: applied, 1 items, 0 r, 7 w',
    'pointers get: ok, 1 items, 7 r, 0 w',
    'pointers get: ok, 0 items, 0 r, 0 w',
    'pointers getBatch: ok, 3 items, 21 r, 0 w',
    'pointers listPointersByPrefix: ok, 2 items, 14 r, 0 w',
    'pointers countByPrefix: ok, 2 items, 0 r, 0 w',
    'pointers pageTokenAfterKey: ok, 0 items, 0 r, 0 w',
  ]);

  await pointers.compareAndSetBatch([
    { op: 'check', key: '/ä', expected: 1 },
    { op: 'delete', key: '/b', expected: 1 },
    { op: 'upsert', key: '/c', expected: 0, next: value('12') },
    { op: 'check-absent', key: '/d' },
  ]);
  await pointers.compareAndSetBatch([{ op: 'check', key: '/ä', expected: 9 }]);
  await pointers.compareAndDelete('/c', 2);
  await pointers.compareAndDelete('/c', 1);
  assert.ok(read);
  const later = { ...read, key: '/e', version: 3 };
  await pointers.importPointers([read, later], 'if-absent');
  await pointers.deleteByPrefix('/', {});
  assert.deepEqual(notes.take(), [
    'pointers compareAndSetBatch: applied, 2 items, 0 r, 4 w',
    'pointers compareAndSetBatch: conflict, 0 items, 0 r, 0 w',
    'pointers compareAndDelete: conflict, 0 items, 0 r, 0 w',
    'pointers compareAndDelete: applied, 1 items, 0 r, 0 w',
    'pointers importPointers: ok, 1 items, 0 r, 6 w',
    'pointers deleteByPrefix: ok, 2 items, 0 r, 0 w',
  ]);
});

test('every operation of blobs is told, with what it read and wrote', async () => {
  const { storage, notes } = observedMemory();
  const { blobs } = storage;
  const { versionId } = await blobs.put('/a/1', Buffer.from('12345'));
  await blobs.put('/a/2', Buffer.from('123'));
  await blobs.get('/a/1');
  await blobs.getBatch(['/a/1', '/absent', '/a/2']);
  await blobs.head('/a/1');
  await assert.rejects(blobs.get('/absent'), { code: 'STORAGE_NOT_FOUND' });
  await blobs.list('/');
  await blobs.listVersions('/');
  await blobs.supportsVersionedDeletes();
  await blobs.markLost('/a/1', versionId);
  await blobs.deleteVersion('/a/1', versionId);
  await blobs.delete('/absent');
  await blobs.deletePrefix('/a/');
  assert.deepEqual(notes.take(), [
    'blobs put: ok, 1 items, 0 r, 5 w',
    'blobs put: ok, 1 items, 0 r, 3 w',
    'blobs get: ok, 1 items, 5 r, 0 w',
    'blobs getBatch: ok, 2 items, 8 r, 0 w',
    'blobs head: ok, 1 items, 0 r, 0 w',
    'blobs get: STORAGE_NOT_FOUND, 0 items, 0 r, 0 w',
    'blobs list: ok, 2 items, 0 r, 0 w',
    'blobs listVersions: ok, 2 items, 0 r, 0 w',
    'blobs supportsVersionedDeletes: ok, 0 items, 0 r, 0 w',
    'blobs markLost: ok, 1 items, 0 r, 0 w',
    'blobs deleteVersion: ok, 1 items, 0 r, 0 w',
    'blobs delete: ok, 1 items, 0 r, 0 w',
    'blobs deletePrefix: ok, 1 items, 0 r, 0 w',
  ]);
});

test('every operation of secrets is told, and nothing of the secret but its size', async () => {
  const { storage, notes } = observedMemory();
  const ref = { account: 'account', type: 'type', id: 'hush' };
  await storage.secrets.put(ref, Buffer.from('hush'));
  await storage.secrets.update(ref, Buffer.from('hushed'));
  await storage.secrets.get(ref);
  await storage.secrets.list('account');
  await storage.secrets.delete(ref);
  await storage.secrets.get(ref);
  await assert.rejects(storage.secrets.update(ref, Buffer.from('hush')), { code: 'STORAGE_NOT_FOUND' });
  const lines = notes.take();
  assert.deepEqual(lines, [
    'secrets put secret: ok, 1 items, 0 r, 4 w',
    'secrets update secret: ok, 1 items, 0 r, 6 w',
    'secrets get secret: ok, 1 items, 6 r, 0 w',
    'secrets list secrets: ok, 1 items, 0 r, 0 w',
    'secrets delete secret: ok, 1 items, 0 r, 0 w',
    'secrets get secret: ok, 0 items, 0 r, 0 w',
    'secrets update secret: STORAGE_NOT_FOUND, 0 items, 0 r, 0 w',
  ]);
  assert.doesNotMatch(lines.join(), /hush/);
});

test('the store’s own rows are told apart from pointers', async () => {
  const { storage, notes } = observedMemory();
  await storage.system.compareAndSet('lease', 0, value('1'));
  await storage.pointers.get('lease');
  assert.deepEqual(notes.take(), [
    'system compareAndSet: applied, 1 items, 0 r, 6 w',
    'pointers get: ok, 0 items, 0 r, 0 w',
  ]);
});

test('what a guard refuses is told, and so is a store that is closed', async () => {
  const { storage, notes } = observedMemory();
  await assert.rejects(storage.pointers.get(''), InvalidArgumentError);
  await storage.close();
  await assert.rejects(storage.pointers.get('/a'), { code: 'STORAGE_CLOSED' });
  assert.deepEqual(notes.take(), [
    'pointers get: INVALID_ARGUMENT, 0 items, 0 r, 0 w',
    'pointers get: STORAGE_CLOSED, 0 items, 0 r, 0 w',
  ]);
  assert.ok(notes.ended[0]?.error instanceof InvalidArgumentError);
});

/** A store whose `get` is this. */
function storeWith(get: PointerStore['get']): PointerStore {
  const { pointers } = openMemoryStorage();
  return new Proxy(pointers, {
    get: (target, name) => (name === 'get' ? get : (Reflect.get(target, name, target) as unknown)),
  });
}

test('the time is that of the clock, of failures too, and an error that is no store’s is internal', async () => {
  const clock = new FakeClock();
  const notes = new Notes();
  const slow = storeWith(async (key) => {
    clock.advance(30);
    if (key === '/broken') throw new TypeError('a defect');
    return undefined;
  });
  const store = observePointerStore(slow, notes, clock);
  await store.get('/a');
  await assert.rejects(store.get('/broken'), TypeError);
  assert.deepEqual(
    notes.ended.map(({ outcome, durationMs }) => [outcome, durationMs]),
    [
      ['ok', 30],
      ['INTERNAL', 30],
    ],
  );
});

const broken = (): never => {
  throw new Error('the observer is broken');
};

test('an observer that fails, or keeps what it should call, changes nothing', async () => {
  const kept: (() => void)[] = [];
  const observations: (() => Observation<OperationFacts>)[] = [
    broken,
    () => ({ within: broken, end: broken }),
    () => ({ within: (body) => void kept.push(body), end: broken }),
    () => ({
      within: (body) => {
        body();
        body();
      },
      end: broken,
    }),
  ];
  for (const operation of observations) {
    let calls = 0;
    const counting = storeWith(async () => {
      calls++;
      return undefined;
    });
    const store = observePointerStore(counting, { operation, request: broken });
    assert.equal(await store.get('/a'), undefined);
    for (const body of kept) body();
    assert.equal(calls, 1);
  }
});

test('a store that throws before it answers is told as one that rejects, and called once', async () => {
  let calls = 0;
  const hasty = storeWith(() => {
    calls++;
    throw new InvalidArgumentError('refused at once');
  });
  const notes = new Notes();
  await assert.rejects(observePointerStore(hasty, notes).get('/a'), InvalidArgumentError);
  assert.deepEqual([calls, notes.take()], [1, ['pointers get: INVALID_ARGUMENT, 0 items, 0 r, 0 w']]);
});
