import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { parseJson, writeSyntheticTable } from '@floecat/catalog';
import { FakeClock, seededRandom } from '@floecat/storage-testkit';

import type { RestWorld } from './support.ts';
import { openRestWorld, registerOverRest } from './support.ts';

interface Upstream extends Disposable {
  readonly folder: string;
  readonly metadataLocation: string;
  readonly locations: readonly { prefix: string; folder: string }[];
  file(name: string): string;
}

/** A table of three snapshots, two manifests each, that a test may damage. */
async function openUpstream(): Promise<Upstream> {
  const root = mkdtempSync(join(tmpdir(), 'floecat-upstream-'));
  const folder = join(root, 'lake');
  const { metadataLocation } = await writeSyntheticTable({
    folder,
    baseLocation: 's3://lake',
    snapshots: 3,
    manifestsPerSnapshot: 2,
    filesPerManifest: 2,
    random: seededRandom(3),
    clock: new FakeClock(),
  });
  return {
    folder,
    metadataLocation,
    locations: [{ prefix: 's3://lake', folder }],
    file: (name) => join(folder, name),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

suite('upstream tables that are damaged or out of bounds', () => {
  test('metadata that cannot be registered: 400 with the reason, and nothing stored', async () => {
    using upstream = await openUpstream();
    await using world = await openRestWorld(upstream.locations);
    const before = await world.storage.pointers.countByPrefix('');
    writeFileSync(upstream.file('text.json'), 'not JSON at all');
    writeFileSync(upstream.file('list.json'), '[1, 2]');
    writeFileSync(upstream.file('other.json'), '{"hello": "world"}');
    writeFileSync(upstream.file('future.json'), '{"format-version": 9, "location": "s3://lake/t"}');
    writeFileSync(upstream.file('broken.gz.metadata.json'), gzipSync('{}').subarray(0, 12));
    symlinkSync('/etc/passwd', upstream.file('link.json'));
    const outside = join(upstream.folder, '..', 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'x.json'), '{}');
    symlinkSync(outside, upstream.file('out'));
    const cases: [location: string, reason: RegExp][] = [
      ['s3://lake/text.json', /not JSON/],
      ['s3://lake/list.json', /not table metadata|object/],
      ['s3://lake/other.json', /not table metadata: no format-version/],
      ['s3://lake/future.json', /format-version 9 is not supported/],
      ['s3://lake/broken.gz.metadata.json', /./],
      ['s3://lake/absent.metadata.json', /absent/],
      ['s3://lake/nothing-here', /nothing-here/],
      ['s3://lake/link.json', /lead|outside|link/],
      ['s3://lake/out/x.json', /lead|outside|link/],
      ['s3://lake/t/../../x.json', /\.\./],
      ['s3://other/t/metadata/v1.metadata.json', /floecat\.upstream\.locations/],
      ['/etc/passwd', /floecat\.upstream\.locations/],
      ['s3://lakes/t', /floecat\.upstream\.locations/],
    ];
    for (const [location, reason] of cases) {
      const response = await registerOverRest(world, 'x', location);
      assert.equal(response.statusCode, 400, `${location}: ${response.body}`);
      assert.match(response.json<{ error: { message: string } }>().error.message, reason, location);
    }
    assert.equal(await world.storage.pointers.countByPrefix(''), before);
  });

  test('a gzipped metadata file is the same table', async () => {
    using upstream = await openUpstream();
    await using world = await openRestWorld(upstream.locations);
    const plain = await registerOverRest(world, 'plain', upstream.metadataLocation);
    assert.equal(plain.statusCode, 200, plain.body);
    const { metadata } = parseJson(plain.body) as { metadata: { 'table-uuid': string } };
    const text = plain.body.slice(plain.body.indexOf('"metadata":') + 11, -',"config":{}}'.length);
    writeFileSync(upstream.file('v9.gz.metadata.json'), gzipSync(text));
    const gzipped = await registerOverRest(world, 'zipped', 's3://lake/v9.gz.metadata.json');
    assert.equal(gzipped.statusCode, 200, gzipped.body);
    assert.ok(gzipped.body.includes(text));
    assert.ok(metadata['table-uuid'].length > 0);
  });

  test('a manifest that is missing, damaged or out of bounds is reported against its snapshots; the rest stands', async () => {
    using upstream = await openUpstream();
    const metadataFolder = upstream.file('synthetic/snapshots_3/metadata');
    const avro = readdirSync(metadataFolder).filter((name) => name.endsWith('.avro'));
    const lists = avro.filter((name) => name.startsWith('snap-')).toSorted();
    const manifests = avro.filter((name) => !name.startsWith('snap-')).toSorted();
    const spare = join(upstream.folder, '..', 'spare.avro');
    for (const [what, break_] of [
      ['MISSING', (file: string) => rmSync(file)],
      ['DAMAGED', (file: string) => truncateSync(file, 200)],
      [
        'REFUSED',
        (file: string) => {
          cpSync(file, spare);
          rmSync(file);
          symlinkSync(spare, file);
        },
      ],
    ] as const) {
      for (const victim of [lists[0], manifests[0]]) {
        assert.ok(victim);
        const file = join(metadataFolder, victim);
        const kept = join(upstream.folder, '..', 'kept.avro');
        cpSync(file, kept);
        break_(file);
        await using world = await openRestWorld(upstream.locations);
        const response = await registerOverRest(world, 't', upstream.metadataLocation);
        assert.equal(response.statusCode, 200, response.body);
        const problems = await problemsOf(world);
        // A list is one snapshot's own; a manifest is shared by those that came after it.
        const most = victim === lists[0] ? 1 : 3;
        assert.ok(
          problems.length >= 1 && problems.length <= most,
          `${what} ${victim}: ${problems.length} snapshots`,
        );
        for (const { code, location } of problems) {
          assert.equal(code, what);
          assert.ok(location.endsWith(victim));
        }
        rmSync(file, { force: true });
        cpSync(kept, file);
      }
    }
  });
});

async function problemsOf(world: RestWorld): Promise<{ code: string; location: string }[]> {
  const response = await world.app.inject('/floecat/v1/default/namespaces/tpch/tables/t/snapshots');
  const { snapshots } = parseJson(response.body) as {
    snapshots: { problems: { code: string; location: string }[] }[];
  };
  assert.equal(snapshots.length, 3);
  return snapshots.flatMap(({ problems }) => problems);
}
