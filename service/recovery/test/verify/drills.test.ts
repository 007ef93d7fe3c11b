import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';

import { KINDS, ownerOfBlob, shapeOfKey } from '@floecat/repository';
import { fromBinary } from '@bufbuild/protobuf';
import { RootBlobSchema } from '@floecat/proto/envelope';
import { mapBounded } from '@floecat/storage-spi';
import { seededRandom } from '@floecat/storage-testkit';

import { checkStore } from '../../../repository/test/support/store-check.ts';
import { publishTable } from '../../../repository/test/support/lake.ts';
import type { Damageable } from '../support/backends.ts';
import { LOCAL, MEMORY, startAws } from '../support/backends.ts';
import { apply, linesOf, makePlan, planFolder } from '../support/plans.ts';
import type { VerifyWorld } from '../support/verify-world.ts';
import { addChunked, openVerifyWorld, rowsOf, verified } from '../support/verify-world.ts';

const aws = await startAws();
after(async () => {
  if (!('skip' in aws)) await aws[Symbol.asyncDispose]();
});
const skip = 'skip' in aws ? aws : {};

/** Victims of each drill. */
const MANY = 100;

/** A lake with more than {@link MANY} blobs that something reaches: `tables` tables with a snapshot of some chunks each. */
function openLake(open: () => Promise<Damageable>, tables: number, chunks: number): Promise<VerifyWorld> {
  return openVerifyWorld(open, async (world) => {
    await world.repositories.namespaces.create('lake', ['hr']);
    const names = Array.from({ length: tables }, (_, i) => `t${i}`);
    await mapBounded(names, 8, async (name) =>
      addChunked(world, await publishTable(world, ['sales'], name), 1n, chunks),
    );
  });
}

/** URIs of all that the live rows reach, found without anything of verify. */
async function reachedBlobs(world: VerifyWorld): Promise<string[]> {
  const reached = new Set<string>();
  for (const row of await rowsOf(world)) {
    const shape = shapeOfKey(row.key);
    if (row.kind !== 'blob' || shape?.is !== 'canonical') continue;
    reached.add(row.blobUri);
    const { bytes } = await world.context.storage.blobs.get(row.blobUri);
    const { envelope, resource } = fromBinary(RootBlobSchema, bytes);
    const kind = KINDS[shape.owner.collection];
    if (envelope?.messageType === kind.schema.typeName)
      for (const uri of kind.references(fromBinary(kind.schema, resource))) reached.add(uri);
  }
  return [...reached];
}

function pick(uris: readonly string[], count: number, seed: number): string[] {
  const random = seededRandom(seed);
  const left = [...uris];
  assert.ok(left.length >= count, `${left.length} blobs`);
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)[0] ?? '');
}

function urisOf(findings: readonly { readonly uri?: string }[]): Set<string> {
  return new Set(findings.map(({ uri }) => uri ?? ''));
}

/** Each of `uris` gets an older version that is whole. */
async function putTwice({ context: { storage } }: VerifyWorld, uris: readonly string[]): Promise<void> {
  await mapBounded(uris, 16, async (uri) => {
    const { header, bytes } = await storage.blobs.get(uri);
    await storage.blobs.put(uri, bytes, header.message === undefined ? {} : { message: header.message });
  });
}

/** What was found is exactly this, each once; a plan for all of it, applied, leaves nothing. */
async function healsAll(world: VerifyWorld, victims: readonly string[], deep: boolean): Promise<void> {
  await using plan = await planFolder();
  const found = await makePlan(world.context, plan.path, { deep });
  assert.equal(found.length, victims.length);
  assert.deepEqual(urisOf(found), new Set(victims));
  const outcomes = await apply(world.context, plan.path);
  assert.deepEqual(outcomes, { repaired: victims.length, already: 0, changed: 0, failed: 0 });
  const { findings } = await verified(world.context, { deep: true });
  assert.deepEqual(findings, []);
  await checkStore(world.context.storage, { atRest: true });
}

for (const [backend, open, tables] of [
  [...MEMORY, 12],
  [...LOCAL, 8],
] as const)
  suite(`${MANY} blobs at random: ${backend}`, () => {
    test('damaged: exactly these are found, and all that have another version are healed', async () => {
      await using world = await openLake(open, tables, 12);
      const victims = pick(await reachedBlobs(world), MANY, 1);
      await putTwice(world, victims);
      for (const uri of victims) await world.damage(uri);
      await healsAll(world, victims, true);

      // Now some that have none: of what no root hides.
      const payloads = (await reachedBlobs(world)).filter((uri) => ownerOfBlob(uri)?.isRoot === false);
      const lost = pick(payloads, 10, 2);
      const { blobs } = world.context.storage;
      for (const uri of lost) {
        const { versions } = await blobs.listVersions(uri);
        for (const { versionId, latest } of versions) if (!latest) await blobs.deleteVersion(uri, versionId);
        await world.damage(uri);
      }
      await using plan = await planFolder();
      assert.deepEqual(urisOf(await makePlan(world.context, plan.path, { deep: true })), new Set(lost));
      for (const { apply: chosen, advice } of await linesOf(plan.path)) {
        assert.notEqual(chosen, true);
        assert.match(advice, /No whole version is left/);
      }
    });

    test('deleted: exactly these are found; put back from a copy, nothing is', async () => {
      await using world = await openLake(open, tables, 12);
      const { blobs } = world.context.storage;
      const payloads = (await reachedBlobs(world)).filter((uri) => ownerOfBlob(uri)?.isRoot === false);
      const victims = pick(payloads, Math.min(MANY, payloads.length), 2);
      const copies = await blobs.getBatch(victims);
      await mapBounded(victims, 16, (uri) => blobs.delete(uri));
      const { findings } = await verified(world.context);
      assert.equal(findings.length, victims.length);
      assert.deepEqual(urisOf(findings), new Set(victims));
      for (const [i, uri] of victims.entries()) await blobs.put(uri, copies[i]?.bytes ?? Buffer.alloc(0));
      assert.deepEqual((await verified(world.context, { deep: true })).findings, []);
    });
  });

suite('DynamoDB Local and an S3 endpoint', skip, () => {
  test(`${MANY} blobs whose current version was deleted, then ten overwritten: exactly these are found, and all come back`, async () => {
    if ('skip' in aws) return;
    await using world = await openLake(aws.open, 8, 10);
    const { blobs } = world.context.storage;
    const victims = pick(await reachedBlobs(world), MANY, 3);
    await mapBounded(victims, 16, (uri) => blobs.delete(uri));
    await healsAll(world, victims, false);

    // And some that were overwritten with other bytes.
    const overwritten = pick(await reachedBlobs(world), 10, 4);
    for (const uri of overwritten) await world.damage(uri);
    await healsAll(world, overwritten, true);
  });
});
