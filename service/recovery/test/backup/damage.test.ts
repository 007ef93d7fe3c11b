import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';

import { createBackup, openBackup, verifyBackup } from '@floecat/recovery';
import { StorageCorruptionError, StorageMisconfiguredError } from '@floecat/storage-spi';

import { MemoryTarget } from './support/memory-target.ts';
import type { Store } from './support/store.ts';
import {
  contentOf,
  importAll,
  manyPointers,
  openStore,
  readAll,
  setPointer,
  value,
} from './support/store.ts';

async function chain(): Promise<{ store: Store; target: MemoryTarget; id: string; manifestSha256: string }> {
  const store = openStore();
  const { storage, context, clock } = store;
  await importAll(storage, manyPointers(20, context.random, clock.now()));
  const target = new MemoryTarget();
  const base = await createBackup(context, target, { segmentLines: 8 });
  await setPointer(storage, '/new', value(''));
  const { id, manifestSha256 } = await createBackup(context, target, { since: base.id });
  return { store, target, id, manifestSha256 };
}

void suite('damaged backups', () => {
  test('a changed byte anywhere, a cut, a longer, an empty and a missing file: each is found, and the file is named', async () => {
    const { store, target, id, manifestSha256 } = await chain();
    await using _ = store;
    let checks = 0;
    for (const [name, good] of Array.from(target.files)) {
      const damages: (Uint8Array | undefined)[] = [
        good.subarray(0, good.length - 1),
        Buffer.concat([good, Buffer.of(0)]),
        Buffer.of(),
        undefined,
      ];
      for (let at = 0; at < good.length; at += 7) {
        const bytes = Uint8Array.from(good);
        bytes[at] = (bytes[at] ?? 0) ^ 0x10;
        damages.push(bytes);
      }
      for (const bytes of damages) {
        if (bytes) target.files.set(name, bytes);
        else target.files.delete(name);
        await assert.rejects(verifyBackup(target, id, { manifestSha256 }), (error: unknown) => {
          assert.ok(error instanceof StorageCorruptionError);
          assert.ok(error.message.includes(name), error.message);
          assert.match(error.message, /Put back .* copy of the file, or use another backup/);
          return true;
        });
        checks++;
      }
      target.files.set(name, good);
    }
    assert.ok(checks > 100);
    await verifyBackup(target, id);
  });

  test('without the store, which knows the SHA-256 of the manifest, no damage changes what is read', async () => {
    const { store, target, id } = await chain();
    await using _ = store;
    const manifest = `${id}/manifest.jsonl.zst`;
    const good = target.files.get(manifest) as Uint8Array;
    const { manifest: facts } = await openBackup(target, id);
    const rows = await contentOf(target, id);
    let harmless = 0;
    for (let at = 0; at < good.length; at++) {
      const bytes = Uint8Array.from(good);
      bytes[at] = (bytes[at] ?? 0) ^ 0x40;
      target.files.set(manifest, bytes);
      try {
        assert.deepEqual((await openBackup(target, id)).manifest, facts);
        assert.deepEqual(await contentOf(target, id), rows);
        harmless++;
      } catch (error) {
        assert.ok(error instanceof StorageCorruptionError, String(error));
      }
    }
    // Bits of the frame that mean nothing.
    assert.ok(harmless < 10);
  });

  test('a reader finds damage when it comes to it, and reads what is before', async () => {
    const { store, target, id } = await chain();
    await using _ = store;
    const segments = [...target.files.keys()].filter((name) => name.includes('/segments/000002'));
    assert.equal(segments.length, 1);
    target.files.set(segments[0] ?? '', Buffer.from('rubbish'));
    const reader = await openBackup(target, id);
    assert.ok(await reader.pointer('/accounts/acme/tables/by-id/000000003'));
    await assert.rejects(reader.pointer('/accounts/acme/tables/by-id/000000019'), StorageCorruptionError);
    await assert.rejects(readAll(reader), StorageCorruptionError);
  });

  test('the segment of another backup, and a manifest that was made up, are found', async () => {
    const { store, target, id } = await chain();
    await using _ = store;
    const { id: other } = await createBackup(store.context, target, { segmentLines: 8 });
    const swap = (file: RegExp): void => {
      const from = [...target.files.keys()].find((name) => name.startsWith(other) && file.test(name));
      const to = [...target.files.keys()].find((name) => name.startsWith(id) && file.test(name));
      assert.ok(from && to);
      target.files.set(to, target.files.get(from) as Uint8Array);
    };
    const manifest = `${id}/manifest.jsonl.zst`;
    const good = target.files.get(manifest) as Uint8Array;
    swap(/manifest/);
    await assert.rejects(openBackup(target, id), /is that of backup/);
    target.files.set(manifest, good);
    swap(/segments/);
    await assert.rejects(verifyBackup(target, id), /has the SHA-256/);
    const made = zstdDecompressSync(good).toString().replace('"pointers":21', '"pointers":20');
    target.files.set(manifest, zstdCompressSync(Buffer.from(made)));
    await assert.rejects(openBackup(target, id), /was cut short or changed/);
  });

  test('a format that is newer is refused, not called damage', async () => {
    const { store, target, id } = await chain();
    await using _ = store;
    const manifest = `${id}/manifest.jsonl.zst`;
    target.files.set(manifest, zstdCompressSync(Buffer.from('{"format":2}\nwho knows\n')));
    await assert.rejects(openBackup(target, id), (error: unknown) => {
      assert.ok(error instanceof StorageMisconfiguredError);
      assert.match(error.message, /format 2.*use a newer one/);
      return true;
    });
    for (const head of ['null', '7', '"x"', '{}', '{"format":0}', 'x']) {
      target.files.set(manifest, zstdCompressSync(Buffer.from(`${head}\n`)));
      await assert.rejects(openBackup(target, id), StorageCorruptionError);
    }
  });
});
