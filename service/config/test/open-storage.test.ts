import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';

import { openStorage } from '@floecat/config';
import { StorageClosedError } from '@floecat/storage-spi';

import { define, folder, load } from './support.ts';

const MEMORY = { 'floecat.kv': 'memory', 'floecat.blob': 'memory' };
const REF = { account: 'default', type: 'test', id: 'one' };

suite('opening', () => {
  test('memory: a store with the layout of the settings, that writes nothing to disk', async (t) => {
    const cwd = folder(t);
    const args = define({
      ...MEMORY,
      'floecat.gc.cas.retention': '1d',
      'floecat.gc.pointer.min-age-ms': '5000',
    });
    const random = { uuid: () => '00000000-0000-4000-8000-000000000001', next: () => 0 };
    const storage = await openStorage(load({ cwd, args }), { random });
    assert.equal(storage.layout.casRetentionMs, 86_400_000);
    assert.equal(storage.layout.pointerGraceMs, 5_000);
    assert.equal(storage.layout.storeId, random.uuid());
    const set = await storage.pointers.compareAndSet('/a/b', 0, { kind: 'value', value: 'x' });
    assert.ok(set.applied);
    await storage.secrets.put(REF, new Uint8Array([1]));
    assert.ok(!existsSync(join(cwd, '.floecat')));
    await storage.close();
    await assert.rejects(storage.pointers.get('/a/b'), StorageClosedError);
  });

  test('local: what was written is there when it is opened again', async (t) => {
    const settings = load({ cwd: folder(t), args: ['-Dfloecat.gc.cas.retention=1d'] });
    {
      await using storage = await openStorage(settings);
      assert.equal(storage.layout.casRetentionMs, 86_400_000);
      const set = await storage.pointers.compareAndSet('/a/b', 0, { kind: 'value', value: 'x' });
      assert.ok(set.applied);
      await storage.secrets.put(REF, new Uint8Array([1]));
    }
    await using again = await openStorage(settings);
    assert.equal((await again.pointers.get('/a/b'))?.version, 1);
    assert.deepEqual(await again.secrets.get(REF), new Uint8Array([1]));
  });

  test('local with memory secrets: the store stays, the secrets do not, and close closes both', async (t) => {
    const settings = load({ cwd: folder(t), args: ['-Dfloecat.secrets=memory'] });
    const storage = await openStorage(settings);
    await storage.pointers.compareAndSet('/a/b', 0, { kind: 'value', value: 'x' });
    await storage.secrets.put(REF, new Uint8Array([1]));
    assert.deepEqual(await storage.secrets.get(REF), new Uint8Array([1]));
    await storage.close();
    await assert.rejects(storage.secrets.get(REF), StorageClosedError);
    await assert.rejects(storage.pointers.get('/a/b'), StorageClosedError);
    await using again = await openStorage(settings);
    assert.equal((await again.pointers.get('/a/b'))?.version, 1);
    assert.equal(await again.secrets.get(REF), undefined);
  });
});
