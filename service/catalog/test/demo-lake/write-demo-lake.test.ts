import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import {
  InvalidArgumentError,
  StorageAbortRetryableError,
  StorageMisconfiguredError,
} from '@floecat/storage-spi';
import { FakeClock, seededRandom } from '@floecat/storage-testkit';

import { writeDemoLake } from '../../src/demo-lake/index.ts';
import { MARKER_NAME } from '../../src/demo-lake/lake-marker.ts';
import { readTable } from './lake-reader.ts';
import { tempFolder, tempLake, tree } from './temp-lake.ts';

const clock = new FakeClock();
const baseLocation = 's3://lake/demo';

test('the lake is the same each time, whatever folder it lies in', async () => {
  await using one = await tempFolder();
  await using other = await tempFolder();
  const tables = await writeDemoLake({ folder: one.folder, baseLocation, clock });
  assert.deepEqual(
    await writeDemoLake({ folder: other.folder, baseLocation: `${baseLocation}/`, clock }),
    tables,
  );
  const files = await tree(one.folder);
  assert.deepEqual(await tree(other.folder), files);
  const bytes = [...files.values()].reduce((sum, content) => sum + Buffer.byteLength(content, 'base64'), 0);
  assert.ok(bytes < 300_000, `${bytes} bytes`);
  for (const { location } of tables) assert.ok(location.startsWith(`${baseLocation}/cafe/`));
});

test('another random source makes other ids', async () => {
  await using temp = await tempFolder();
  const tables = await writeDemoLake({ folder: temp.folder, baseLocation, clock, random: seededRandom(1) });
  await using usual = await tempFolder();
  assert.notDeepEqual(tables, await writeDemoLake({ folder: usual.folder, baseLocation, clock }));
});

test('writing twice changes nothing, not even what an engine did to the lake since', async () => {
  await using lake = await tempLake();
  await rm(join(lake.folder, 'cafe/visits'), { recursive: true });
  const before = await tree(lake.folder);
  const later = new FakeClock({ start: clock.now() + 86_400_000 });
  assert.deepEqual(await writeDemoLake({ folder: lake.folder, clock: later }), lake.tables);
  assert.deepEqual(await tree(lake.folder), before);
});

test('a half-written lake is completed', async () => {
  await using lake = await tempLake();
  const whole = await tree(lake.folder);
  await rm(join(lake.folder, MARKER_NAME));
  for (const [i, path] of [...whole.keys()].entries()) {
    if (path === MARKER_NAME) continue;
    if (i % 3 === 0) await rm(join(lake.folder, path));
    if (i % 3 === 1) await truncate(join(lake.folder, path), 7);
  }
  assert.deepEqual(await writeDemoLake({ folder: lake.folder, clock }), lake.tables);
  assert.deepEqual(await tree(lake.folder), whole);
});

test('two writers at once make one lake', async () => {
  await using temp = await tempFolder();
  await using alone = await tempFolder();
  const options = { folder: temp.folder, baseLocation, clock };
  const [first, second] = await Promise.all([writeDemoLake(options), writeDemoLake(options)]);
  assert.deepEqual(first, second);
  await writeDemoLake({ ...options, folder: alone.folder });
  assert.deepEqual(await tree(temp.folder), await tree(alone.folder));
});

/** Runs `at` when the writer asks for the `count`-th time whether it is aborted. */
function signalThat(count: number, at: () => boolean): { readonly signal: AbortSignal; asked(): number } {
  let asked = 0;
  const signal = new AbortController().signal;
  Object.defineProperty(signal, 'aborted', { get: () => ++asked >= count && at() });
  return { signal, asked: () => asked };
}

test('an aborted write leaves no marker and nothing of its own', async () => {
  await using counted = await tempFolder();
  const never = signalThat(Infinity, () => true);
  await writeDemoLake({ folder: counted.folder, clock, signal: never.signal });
  const last = never.asked();
  // Once at the start, once before each file, and once before the marker.
  assert.equal(last, (await tree(counted.folder)).size - 1 + 2);
  for (const count of [1, 2, 20, last]) {
    await using temp = await tempFolder();
    const { signal } = signalThat(count, () => true);
    await assert.rejects(writeDemoLake({ folder: temp.folder, clock, signal }), StorageAbortRetryableError);
    const names = await readdir(temp.folder);
    assert.deepEqual(names, count <= 2 ? [] : ['cafe']);
    await writeDemoLake({ folder: temp.folder, clock });
    assert.ok((await tree(temp.folder)).has(MARKER_NAME));
  }
});

test('a writer that is killed leaves no marker, and the next one makes the lake whole', async () => {
  await using whole = await tempFolder();
  await writeDemoLake({ folder: whole.folder, baseLocation, clock: new FakeClock() });
  const index = import.meta.resolve('../../src/demo-lake/index.ts');
  for (const count of [2, 10, 45]) {
    await using temp = await tempFolder();
    const script = `
      import { writeDemoLake } from ${JSON.stringify(index)};
      let asked = 0;
      const signal = { get aborted() {
        if (++asked === ${count}) process.kill(process.pid, 'SIGKILL');
        return false;
      } };
      await writeDemoLake({ folder: ${JSON.stringify(temp.folder)}, baseLocation: ${JSON.stringify(baseLocation)},
        clock: { now: () => 0 }, signal });`;
    const child = spawn(
      process.execPath,
      ['--conditions=floecat-source', '--input-type=module', '--eval', script],
      { stdio: 'inherit' },
    );
    const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    assert.equal(signal, 'SIGKILL');
    assert.equal((await readdir(temp.folder)).includes(MARKER_NAME), false);
    const anHourLater = new FakeClock({ start: Date.now() + 3_700_000 });
    await writeDemoLake({ folder: temp.folder, baseLocation, clock: anHourLater });
    const found = await tree(temp.folder);
    const expected = await tree(whole.folder);
    found.delete(MARKER_NAME);
    expected.delete(MARKER_NAME);
    assert.deepEqual(found, expected);
  }
});

test('what a dead writer left behind goes after an hour, what a live one has stays', async () => {
  await using temp = await tempFolder();
  const now = 1_800_000_000_000;
  for (const [name, age] of [
    ['.writing-dead', 3_601_000],
    ['.writing-live', 60_000],
  ] as const) {
    await mkdir(join(temp.folder, name));
    await writeFile(join(temp.folder, name, '0'), 'half a fi');
    await utimes(join(temp.folder, name), new Date(now - age), new Date(now - age));
  }
  await writeDemoLake({ folder: temp.folder, clock: new FakeClock({ start: now }) });
  assert.deepEqual((await readdir(temp.folder)).sort(), ['.writing-live', 'cafe', MARKER_NAME]);
});

test('a lake that says it is elsewhere, or is of another format, is refused and left alone', async () => {
  await using lake = await tempLake();
  const before = await tree(lake.folder);
  await assert.rejects(
    writeDemoLake({ folder: lake.folder, baseLocation, clock }),
    (error: unknown) => error instanceof StorageMisconfiguredError && error.message.includes(baseLocation),
  );
  assert.deepEqual(await tree(lake.folder), before);
  for (const text of ['{"format":2}', 'null', '{']) {
    await writeFile(join(lake.folder, MARKER_NAME), text);
    await assert.rejects(writeDemoLake({ folder: lake.folder, clock }), StorageMisconfiguredError);
  }
});

test('a folder that cannot be one is a typed error with its cause', async () => {
  await using temp = await tempFolder();
  const file = join(temp.folder, 'a-file');
  await writeFile(file, '');
  await assert.rejects(
    writeDemoLake({ folder: join(file, 'lake'), clock }),
    (error: unknown) => error instanceof StorageMisconfiguredError && error.cause instanceof Error,
  );
  await assert.rejects(writeDemoLake({ folder: '', clock }), InvalidArgumentError);
});

test('locations lead to the files: metadata is where the answer says', async () => {
  await using temp = await tempFolder();
  const folder = join(temp.folder, 'made', 'on the way');
  for (const { metadataLocation, location } of await writeDemoLake({ folder, clock })) {
    assert.ok(metadataLocation.startsWith(`file://${folder}/`));
    assert.equal((await readTable(metadataLocation)).location, location);
    assert.ok((await stat(location.slice('file://'.length))).isDirectory());
  }
});
