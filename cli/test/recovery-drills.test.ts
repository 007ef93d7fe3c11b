import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { after, suite, test } from 'node:test';

import { loadSettings, openStorage } from '@floecat/config';
import type { DecisionsFile, RecoveryReport } from '@floecat/recovery';
import { shapeOfKey } from '@floecat/repository';
import type { Pointer, Storage } from '@floecat/storage-spi';
import { FakeClock } from '@floecat/storage-testkit';

import type { Doubts } from '../../service/recovery/test/support/judge.ts';
import { assertRecovered, assertRoots, doubtsOf } from '../../service/recovery/test/support/judge.ts';
import { DEEDS, LakeRun } from '../../service/recovery/test/support/lake-run.ts';
import { rowsOf } from '../../service/recovery/test/support/rows.ts';
import { EXIT } from '../src/exit-codes.ts';
import { loadRealTables, registerRealTables } from './check-real-tables.ts';
import type { DrillStore } from './drill-stores.ts';
import { localStore, startDrillServers } from './drill-stores.ts';
import type { Finished } from './support.ts';
import { floecat, LAKE_MISSING, LAKE_PROPERTY, serve, temporaryFolder } from './support.ts';

const aws = await startDrillServers();
after(async () => {
  if (!('skip' in aws)) await aws[Symbol.asyncDispose]();
});

const DEEDS_BETWEEN = 8;
const NOTHING_OPEN: Doubts = { owners: new Set(), names: new Set(), roots: new Map() };
const WRITES = DEEDS.filter((deed) => !deed.includes('collect'));

void suite('the table is gone, and the command brings it back', () => {
  test('on the embedded store', async (t) => {
    using folder = temporaryFolder();
    await new Drill(t, folder.path, localStore(folder.path)).run();
  });

  test('on DynamoDB Local and S3', 'skip' in aws ? aws : {}, async (t) => {
    assert.ok(!('skip' in aws));
    using folder = temporaryFolder();
    await new Drill(t, folder.path, await aws.store(folder.path)).run();
  });
});

/** Writes as the writer's machine does: at the time that it is. */
class TrueClock extends FakeClock {
  override now(): number {
    return Date.now();
  }
}

type Report = RecoveryReport & { readonly undecided: string | null };

/** One store, its writer with a journal beside it, and the commands of an operator, each a process of its own. */
class Drill {
  readonly #t: TestContext;
  readonly #folder: string;
  readonly #store: DrillStore;
  #env: Readonly<Record<string, string>>;

  constructor(t: TestContext, folder: string, store: DrillStore) {
    this.#t = t;
    this.#folder = folder;
    this.#store = store;
    this.#env = store.env;
  }

  async run(): Promise<void> {
    const { backups, copyTable, loseTable } = this.#store;
    let storage = await this.#open();
    let writer = await LakeRun.open(11, { storage, clock: new TrueClock() });
    if (LAKE_MISSING !== false) this.#t.diagnostic(`without the five real tables: ${LAKE_MISSING}`);
    const served = await this.#realTables({ register: true });
    for (const [key, row] of await rowsOf(storage.pointers)) writer.journal.rows.set(key, row);
    await doSome(writer, 2 * DEEDS_BETWEEN);
    const oldTable = await copyTable?.();
    await whileWriting(writer, () => this.#json('backup', 'create', '--to', backups));
    await doSome(writer, DEEDS_BETWEEN);
    await cutInFlight(writer);
    await storage.close();
    await loseTable();
    assert.match((await this.#floecat('catalogs', 'ls')).stderr, /floecat restore/);

    if (oldTable !== undefined) {
      this.#env = { ...this.#env, FLOECAT_KV_TABLE: oldTable };
      const report = await this.#recover('restore', '--from', 'none');
      storage = await this.#open();
      assert.ok(report.owners.replayed > 0);
      await check(writer.on(storage), report);
      assert.equal(storage.layout.epoch, 1, 'its rows say that it is the table that was lost');
      await storage.close();
      this.#env = this.#store.env;
    }

    const restored = await this.#recover('restore', '--from', backups);
    storage = await this.#open();
    assert.equal(storage.layout.epoch, 2);
    writer = writer.on(storage);
    assert.ok(restored.owners.restored > 0 && restored.owners.replayed > 0);
    await check(writer, restored);
    if (copyTable === undefined) assert.deepEqual(await this.#realTables(), served);

    // What the recovery found is what the catalog goes on from.
    writer.journal.rows.clear();
    for (const [key, row] of await rowsOf(storage.pointers)) writer.journal.rows.set(key, row);
    await doSome(writer, DEEDS_BETWEEN);
    await cutInFlight(writer);
    await storage.close();
    await loseTable();
    const rebuilt = await this.#recover('rebuild');
    storage = await this.#open();
    assert.equal(storage.layout.epoch, 3);
    writer = writer.on(storage);
    await check(writer, rebuilt);
    assert.ok(rebuilt.undecided !== null, 'a write that died between two others leaves rivals');
    const decided = await this.#decide(rebuilt.undecided, writer.journal.rows);
    await check(writer, decided, NOTHING_OPEN);
    assert.deepEqual(await this.#realTables(), served);
    await storage.close();
    const verified = await this.#floecat('verify', '--deep');
    assert.equal(verified.code, EXIT.ok, verified.stdout + verified.stderr);
    if (oldTable !== undefined) await this.#takeUpAgain(oldTable, writer);
  }

  /** A table of a moment before others were joined to the bucket: only a person joins it, and it is brought up to date too. */
  async #takeUpAgain(table: string, writer: LakeRun): Promise<void> {
    this.#env = { ...this.#env, FLOECAT_KV_TABLE: table };
    const refused = await this.#floecat('restore', '--from', 'none');
    assert.equal(refused.code, EXIT.failed);
    assert.match(refused.stderr, /epoch 3, but this table belongs to .* epoch 1.*floecat bootstrap --adopt/);
    assert.equal((await this.#floecat('bootstrap', '--adopt')).code, EXIT.ok);
    const report = await this.#recover('restore', '--from', 'none');
    await using storage = await this.#open();
    assert.equal(storage.layout.epoch, 4);
    await check(writer.on(storage), report, NOTHING_OPEN);
  }

  #open(): Promise<Storage> {
    return openStorage(loadSettings({ args: [], env: { ...this.#env }, cwd: this.#folder }));
  }

  #floecat(...args: string[]): Promise<Finished> {
    return floecat(args, { env: this.#env, cwd: this.#folder });
  }

  async #json(...args: string[]): Promise<unknown> {
    const { code, stdout, stderr } = await this.#floecat(...args, '--json');
    assert.equal(code, EXIT.ok, stderr);
    return JSON.parse(stdout);
  }

  async #recover(...args: string[]): Promise<Report> {
    const { code, stdout, stderr } = await this.#floecat(...args, '--json');
    assert.ok(code === EXIT.ok || code === EXIT.unproven, stderr);
    const report = JSON.parse(stdout) as Report;
    assert.equal(code, report.problemCount === 0 ? EXIT.ok : EXIT.unproven);
    return report;
  }

  async #decide(path: string, journal: ReadonlyMap<string, Pointer>): Promise<Report> {
    const file = JSON.parse(await readFile(path, 'utf8')) as DecisionsFile;
    const owners = file.owners.map((each) => ({
      ...each,
      choose: journal.get(each.owner)?.writeId ?? 'none',
    }));
    await writeFile(path, JSON.stringify({ ...file, owners }));
    return this.#recover('rebuild', '--decisions', path);
  }

  /** Every document that is served of the real tables. */
  async #realTables({ register = false } = {}): Promise<Map<string, string>> {
    if (LAKE_MISSING !== false) return new Map();
    const options = { env: this.#env, cwd: this.#folder };
    await using server = await serve(['-D', LAKE_PROPERTY], options);
    if (register) await registerRealTables(server);
    return await loadRealTables(server);
  }
}

async function doSome(run: LakeRun, count: number): Promise<void> {
  const { random } = run;
  for (let i = 0; i < count; i++)
    await run.do({ deed: random.pick(WRITES), a: random.below(20), b: random.below(20) });
}

async function whileWriting(run: LakeRun, work: () => Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const writing = (async () => {
    while (!over.signal.aborted) await doSome(run, 1);
  })();
  try {
    await work();
  } finally {
    over.abort();
    await writing;
  }
}

/** Dies between the root that it put and the row that was to lead there; and once more, with the row moved, unheard. */
async function cutInFlight(run: LakeRun): Promise<void> {
  // So that there is a table, whatever was dropped.
  await run.do({ deed: 'create a namespace', a: 0, b: 1 });
  for (const b of [0, 1, 2, 3]) await run.do({ deed: 'register a table', a: 0, b });
  const before = run.unfinished.size;
  let call = 0;
  while (run.unfinished.size === before) {
    assert.ok(call < 40, 'a change of a table puts a root');
    await run.do({ deed: 'change a table', a: 0, b: 0, crash: { call: ++call, when: 'after' } });
  }
  await run.do({ deed: 'change a table', a: 0, b: 0, crash: { call: call + 1, when: 'after' } });
}

/** What was acknowledged is there, and nothing else; nothing is unproven but what an unfinished write leaves open. */
async function check(run: LakeRun, report: RecoveryReport, decided?: Doubts): Promise<void> {
  const found = await rowsOf(run.storage.pointers);
  const { rows } = run.journal;
  const doubts = decided ?? (await doubtsOf(run, rows));
  const inDoubt = (key: string): boolean => {
    const shape = shapeOfKey(key);
    return (
      doubts.owners.has(key) || (shape?.is === 'canonical' && doubts.owners.has(shape.parent?.key ?? ''))
    );
  };
  assert.deepEqual(
    report.problems.filter(({ key }) => !inDoubt(key)),
    [],
  );
  assertRecovered(found, rows, doubts);
  await assertRoots(run.storage, found);
}
