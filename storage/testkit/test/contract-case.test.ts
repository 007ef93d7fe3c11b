import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { BlobStore, PointerStore, SecretsManager, Storage } from '@floecat/storage-spi';
import { DEFAULT_LAYOUT } from '@floecat/storage-spi';
import type { ContractCase, StorageFixture } from '@floecat/storage-testkit';
import {
  blobContract,
  createFixture,
  FakeClock,
  pointerContract,
  runContract,
  secretsContract,
  spiWrappers,
  wrapFixture,
} from '@floecat/storage-testkit';

const NONE = {
  secondClient: false,
  restart: false,
  ownStore: false,
  movableClock: false,
  keepsExpired: false,
  versionedDeletes: false,
  orderedVersionIds: false,
  damagesBlobs: false,
};

/** A fixture whose clients do nothing but note when they are opened and closed. */
function recorded(log: string[], capabilities: Partial<typeof NONE> = {}): Promise<StorageFixture> {
  let opened = 0;
  const open = async (): Promise<Storage> => {
    const name = `client ${++opened}`;
    log.push(`open ${name}`);
    const close = async (): Promise<void> => void log.push(`close ${name}`);
    const store = { close: async () => {} };
    return {
      pointers: store as PointerStore,
      system: store as PointerStore,
      blobs: store as BlobStore,
      secrets: store as SecretsManager,
      layout: { ...DEFAULT_LAYOUT, format: 1, storeId: name, tableId: name, epoch: 1 },
      close,
      [Symbol.asyncDispose]: close,
    };
  };
  const remove = async (): Promise<void> => void log.push('remove');
  return createFixture({ open, clock: new FakeClock(), capabilities: { ...NONE, ...capabilities }, remove });
}

function failToClose(): Promise<never> {
  return Promise.reject(new Error('stuck'));
}

async function stuck(): Promise<StorageFixture> {
  const fixture = await recorded([]);
  return { ...fixture, storage: fixture.storage, [Symbol.asyncDispose]: failToClose };
}

const passes: ContractCase = { name: 'passes', run: async () => {} };
const fails: ContractCase = { name: 'fails', run: () => Promise.reject(new Error('broken law')) };
const needy: ContractCase = {
  name: 'needy',
  needs: ['restart', 'ownStore'],
  run: () => assert.fail('it ran'),
};

void test('cases pass, fail and are skipped for what is lacking, each on a fixture of its own that is removed', async () => {
  const log: string[] = [];
  const results = await runContract([passes, fails, needy], () => recorded(log, { restart: true }));
  assert.deepEqual(
    results.map(({ name, outcome }) => [name, outcome]),
    [
      ['passes', 'passed'],
      ['fails', 'failed'],
      ['needy', 'skipped'],
    ],
  );
  assert.ok(results[1]?.outcome === 'failed' && (results[1].error as Error).message === 'broken law');
  assert.deepEqual(results[2]?.outcome === 'skipped' && results[2].missing, ['ownStore']);
  assert.deepEqual(
    log,
    Array.from({ length: 3 }, () => ['open client 1', 'close client 1', 'remove']).flat(),
  );
});

void test('a store that cannot be closed fails the case that passed, and does not hide the failure of another', async () => {
  const results = await runContract([passes, fails], stuck);
  assert.deepEqual(
    results.map((result) => (result.outcome === 'failed' ? (result.error as Error).message : result.outcome)),
    ['stuck', 'broken law'],
  );
});

void test("a restart closes every client before it opens one, which is the fixture's from then on", async () => {
  const log: string[] = [];
  const fixture = await recorded(log);
  await fixture.openSecond();
  const third = await fixture.restart();
  assert.equal(fixture.storage, third);
  await fixture[Symbol.asyncDispose]();
  assert.deepEqual(log, [
    'open client 1',
    'open client 2',
    'close client 1',
    'close client 2',
    'open client 3',
    'close client 3',
    'remove',
  ]);
});

void test('a wrapped fixture hands out wrapped clients only, first, second and restarted', async () => {
  const log: string[] = [];
  const inner = await recorded(log);
  const seen: Storage[] = [];
  const fixture = wrapFixture(inner, {
    name: 'noting',
    wrap: (storage) => {
      seen.push(storage);
      const { pointers, blobs, secrets } = storage;
      return { pointers: { ...pointers }, blobs, secrets };
    },
  });
  assert.notEqual(fixture.storage.pointers, inner.storage.pointers);
  assert.equal(fixture.storage.layout, inner.storage.layout);
  await fixture.openSecond();
  const restarted = await fixture.restart();
  assert.equal(fixture.storage, restarted);
  assert.equal(seen.length, 3);
  await restarted.close();
  assert.equal(log.at(-1), 'close client 3');
  await fixture[Symbol.asyncDispose]();
});

void test('damaging a blob without the means to is an error that says so', async () => {
  const fixture = await recorded([]);
  await assert.rejects(fixture.damageBlob('/a', '1'), /damagesBlobs/);
});

void test('no two cases of a contract have the same name, and none is empty', () => {
  for (const contract of [pointerContract, blobContract, secretsContract]) {
    const names = contract.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.length > 0 && names.every((name) => name.trim() !== ''));
  }
});

void test('every wrapper of the SPI has a name of its own', () => {
  const names = spiWrappers.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
});
