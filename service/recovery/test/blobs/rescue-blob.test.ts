import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, suite, test } from 'node:test';

import { rescueBlob } from '@floecat/recovery';
import { LOST_TAG, StorageNotFoundError } from '@floecat/storage-spi';
import { seededRandom } from '@floecat/storage-testkit';

import type { Damageable } from '../support/backends.ts';
import { LOCAL, MEMORY, startAws } from '../support/backends.ts';

const BYTES = Buffer.from('what the blob holds');
const URI = `/accounts/acme/tables/t1/${createHash('sha256').update(BYTES).digest('hex')}.pb`;
const OTHER_URI = `${URI}x`;

const aws = await startAws();
after(async () => {
  if (!('skip' in aws)) await aws[Symbol.asyncDispose]();
});

interface Case {
  readonly name: string;
  /** Whether the store keeps what `delete` took. */
  readonly keepsDeleted: boolean;
  readonly open: () => Promise<Damageable>;
}

const CASES: Case[] = [MEMORY, LOCAL].map(([name, open]) => ({ name, keepsDeleted: false, open }));
if (!('skip' in aws)) CASES.push({ name: 'S3', keepsDeleted: true, open: () => aws.open() });
else test('rescue on S3', aws, () => undefined);

for (const { name, keepsDeleted, open } of CASES)
  suite(`a blob is rescued from its versions: ${name}`, () => {
    test('from below a damaged current version, which stays as a noncurrent one', async () => {
      const { fixture, damage } = await open();
      await using _ = fixture;
      const { storage, clock } = fixture;
      const context = { storage, clock, random: seededRandom(1) };
      const tags = { kept: 'yes', [LOST_TAG]: 'true' };
      const how = { message: 'floecat.v1.RootBlob', contentType: 'x/y', tags };
      for (let i = 0; i < 2; i++) await storage.blobs.put(URI, BYTES, how);
      await storage.blobs.put(OTHER_URI, Buffer.from('not it'));
      await damage(URI);
      await assert.rejects(storage.blobs.get(URI), { code: 'STORAGE_CORRUPTION' });
      const before = await storage.blobs.listVersions(URI);

      const header = await rescueBlob(context, URI);
      assert.ok(header);
      const { header: now, bytes } = await storage.blobs.get(URI);
      assert.deepEqual(Buffer.from(bytes), BYTES);
      assert.equal(now.versionId, header.versionId);
      assert.deepEqual(
        [now.message, now.contentType, now.tags],
        ['floecat.v1.RootBlob', 'x/y', { kept: 'yes' }],
      );
      const left = await storage.blobs.listVersions(URI);
      assert.deepEqual(
        left.versions.slice(1).map(({ versionId }) => versionId),
        before.versions.map(({ versionId }) => versionId),
        'nothing was removed',
      );
    });

    test('from a noncurrent version, once the current one was deleted', async () => {
      const { fixture } = await open();
      await using _ = fixture;
      const { storage, clock } = fixture;
      const context = { storage, clock, random: seededRandom(1) };
      await storage.blobs.put(URI, BYTES);
      const { versionId } = await storage.blobs.put(URI, BYTES);
      await storage.blobs.deleteVersion(URI, versionId);
      const { versions } = await storage.blobs.listVersions(URI);
      assert.equal(versions.length, 1);
      const header = await rescueBlob(context, URI, versions);
      assert.equal(header?.etag, createHash('sha256').update(BYTES).digest('base64'));
      assert.equal((await storage.blobs.listVersions(URI)).versions.length, 2, 'put anew');
    });

    test('what was deleted comes back where the store keeps it, and is told as gone where it does not', async () => {
      const { fixture } = await open();
      await using _ = fixture;
      const { storage, clock } = fixture;
      const context = { storage, clock, random: seededRandom(1) };
      await storage.blobs.put(URI, BYTES);
      await storage.blobs.delete(URI);
      await assert.rejects(storage.blobs.head(URI), StorageNotFoundError);
      const { versions } = await storage.blobs.listVersions(URI);
      assert.deepEqual(
        versions.map(({ latest }) => latest),
        keepsDeleted ? [false] : [],
        'a delete marker is not listed; what lies under it is, and is not the latest',
      );
      const header = await rescueBlob(context, URI);
      if (keepsDeleted) assert.deepEqual(Buffer.from((await storage.blobs.get(URI)).bytes), BYTES);
      else {
        assert.equal(header, undefined);
        assert.equal(await rescueBlob(context, '/accounts/acme/never'), undefined);
      }
    });

    test('damaged through and through: nothing is put', async () => {
      const { fixture, damage } = await open();
      await using _ = fixture;
      const { storage, clock } = fixture;
      const context = { storage, clock, random: seededRandom(1) };
      const { versionId } = await storage.blobs.put(URI, BYTES);
      await damage(URI);
      if (keepsDeleted) await storage.blobs.deleteVersion(URI, versionId);
      const { versions } = await storage.blobs.listVersions(URI);
      assert.equal(await rescueBlob(context, URI), undefined);
      assert.deepEqual((await storage.blobs.listVersions(URI)).versions, versions);
    });
  });

test('a version that vanishes while it is looked at is passed over', async () => {
  const { fixture } = await MEMORY[1]();
  await using _ = fixture;
  const { storage, clock } = fixture;
  await storage.blobs.put(URI, BYTES);
  const { versionId } = await storage.blobs.put(URI, BYTES);
  const { versions } = await storage.blobs.listVersions(URI);
  await storage.blobs.deleteVersion(URI, versionId);
  assert.ok(await rescueBlob({ storage, clock, random: seededRandom(1) }, URI, versions));
});

test('a store that is down is no lost blob', async () => {
  const { fixture } = await MEMORY[1]();
  await using _ = fixture;
  const { storage, clock } = fixture;
  await storage.blobs.put(URI, BYTES);
  await storage.close();
  await assert.rejects(rescueBlob({ storage, clock, random: seededRandom(1) }, URI), {
    code: 'STORAGE_CLOSED',
  });
});
