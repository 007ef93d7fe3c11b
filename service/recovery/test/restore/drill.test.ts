import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';

import {
  createBackup,
  findBackup,
  FolderTarget,
  listBackups,
  openBackup,
  rebuild,
  registerBackup,
  restore,
  restoredBackup,
} from '@floecat/recovery';

import { startAwsBackend } from '../../../repository/test/support/aws-backend.ts';
import { assertRecovered, assertRoots, doubtsOf } from '../support/judge.ts';
import type { Deed } from '../support/lake-run.ts';
import { DEEDS, LakeRun } from '../support/lake-run.ts';
import type { LosableFixture } from '../support/lost-table.ts';
import { openLosableLocal } from '../support/lost-table.ts';
import { rowsOf } from '../support/rows.ts';

const aws = await startAwsBackend();
after(async () => {
  if (!('skip' in aws)) await aws[Symbol.asyncDispose]();
});

const BACKENDS: (readonly [name: string, open: () => Promise<LosableFixture>])[] = [
  ['local', openLosableLocal],
];
if ('skip' in aws) test('drills on DynamoDB Local and S3', aws, () => undefined);
else BACKENDS.push(['DynamoDB Local and S3', () => aws.open()]);

/** Writers only: a collector has to be told of the backups. */
const WRITES = DEEDS.filter((deed) => !deed.includes('collect'));

function someDeeds(run: LakeRun, count: number): Deed[] {
  const { random } = run;
  return Array.from({ length: count }, () => ({
    deed: random.pick(WRITES),
    a: random.below(20),
    b: random.below(20),
  }));
}

async function doAll(run: LakeRun, deeds: readonly Deed[]): Promise<void> {
  for (const deed of deeds) await run.do(deed);
}

for (const [name, open] of BACKENDS)
  void suite(`the table is deleted: ${name}`, () => {
    test('restored from a backup that was taken among writers, then, lost again, rebuilt from the blobs', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'floecat-drill-'));
      await using fixture = await open();
      const { clock } = fixture;
      const run = await LakeRun.open(7, { storage: fixture.storage, clock });
      await doAll(run, someDeeds(run, 25));
      await using target = new FolderTarget(folder);
      const { id } = await whileWriting(run, () =>
        createBackup({ storage: fixture.storage, clock, random: run.random }, target, { pageSize: 5 }),
      );
      await doAll(run, someDeeds(run, 12));
      const { rows } = run.journal;
      assert.deepEqual(await rowsOf(fixture.storage.pointers), sorted(rows));

      const storage = await fixture.loseTable();
      assert.equal((await rowsOf(storage.pointers)).size, 0);
      assert.equal(storage.layout.epoch, 2);
      const context = { storage, clock, random: run.random };
      const found = await findBackup(target, { storeId: storage.layout.storeId });
      assert.equal(found?.id, id);
      await registerBackup(context, target, id);
      const reader = await openBackup(target, id);
      const report = await restore(context, { backup: restoredBackup(reader) });
      assert.deepEqual(report.problems, []);
      await check(run.on(storage));
      assert.deepEqual(
        (await listBackups(context)).map((backup) => backup.id),
        [id],
      );

      const again = run.on(storage);
      await doAll(again, someDeeds(again, 10));
      const empty = await fixture.loseTable();
      assert.equal(empty.layout.epoch, 3);
      const rebuilt = await rebuild({ storage: empty, clock, random: run.random });
      assert.deepEqual(rebuilt.problems, []);
      assert.equal(rebuilt.undecided, undefined);
      await check(run.on(empty));
      await rm(folder, { recursive: true });
    });
  });

/** Everything that was acknowledged is there, in the table and for a reader, and nothing else. */
async function check(run: LakeRun): Promise<void> {
  const found = await rowsOf(run.storage.pointers);
  const { rows } = run.journal;
  assertRecovered(found, rows, await doubtsOf(run, rows));
  await assertRoots(run.storage, found);
}

async function whileWriting<T>(run: LakeRun, work: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const writing = (async () => {
    while (!over.signal.aborted) await doAll(run, someDeeds(run, 1));
  })();
  try {
    return await work();
  } finally {
    over.abort();
    await writing;
  }
}

function sorted<V>(map: ReadonlyMap<string, V>): Map<string, V> {
  return new Map([...map].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
}
