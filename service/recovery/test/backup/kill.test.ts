import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { createBackup, FolderTarget, listBackups, removeBackup, verifyBackup } from '@floecat/recovery';
import type { RecoveryContext } from '@floecat/recovery';
import { openLocalStorage } from '@floecat/storage-local';
import type { Pointer, Storage } from '@floecat/storage-spi';
import { systemClock } from '@floecat/storage-spi';
import type { SeededRandom } from '@floecat/storage-testkit';
import { seededRandom } from '@floecat/storage-testkit';

import { shareCompiledCode } from '../../../../storage/local/test/compile-cache.ts';
import { allPointers, contentOf, importAll, manyPointers, setPointer, value } from './support/store.ts';

const CHILD = fileURLToPath(new URL('./children/take-backup.ts', import.meta.url));
const KILLS = process.env['FLOECAT_SOAK'] === undefined ? 10 : 50;
const ROWS = 1_200;
const PAGES = { pageSize: 100 };

// Children start often, from source.
shareCompiledCode();

void suite('kill -9 of a process that takes a backup', () => {
  test(`${KILLS} kills: resumed, every backup is as an undisturbed one; with writers, each key is there once, as it was meanwhile`, async (t) => {
    const seed = Number(process.env['FLOECAT_SEED'] ?? 20_261_127);
    t.diagnostic(`seed ${seed} (set FLOECAT_SEED to repeat another)`);
    const random = seededRandom(seed);
    const folder = await mkdtemp(join(tmpdir(), 'floecat-kill-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const dataDir = join(folder, 'store');
    await using storage = await openLocalStorage({ dataDir, flush: false });
    await importAll(storage, manyPointers(ROWS, random, Date.now()));
    await using target = new FolderTarget(join(folder, 'backups'));
    const context: RecoveryContext = { storage, clock: systemClock, random };
    const base = await createBackup(context, target);
    for (const [i, { key }] of (await allPointers(storage)).entries())
      if (i % 4 === 0) await setPointer(storage, key, value('changed'));

    let unregistered = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const since = kill % 2 === 0 ? '' : base.id;
      const writer = kill % 4 < 2 ? undefined : await Writer.open(storage, random);
      const args = [dataDir, target.location, since];
      const registered = await killAtRandom(args, random, () => writer?.write());
      if (registered === undefined) {
        unregistered++;
        continue;
      }
      const row = (await listBackups(context)).find(({ id }) => id === registered);
      assert.equal(row?.state, 'writing');
      const onProgress = (): void => writer?.write();
      const { id } = await createBackup({ ...context, onProgress }, target, { ...PAGES, resume: registered });
      await verifyBackup(target, id);
      const held = await contentOf(target, id);
      if (!writer) assert.deepEqual(held, await allPointers(storage));
      else await writer.check(held);
      await removeBackup(context, id, { openTarget: async () => new FolderTarget(target.location) });
    }
    t.diagnostic(`${KILLS} kills, ${unregistered} of them before there was a backup`);
    assert.ok(unregistered < KILLS / 2);
    assert.deepEqual(
      (await listBackups(context)).map(({ id }) => id),
      [base.id],
    );
  });
});

/** Starts a backup and kills its process; answers the id of the backup, `undefined` where it had none yet. */
async function killAtRandom(
  args: readonly string[],
  random: SeededRandom,
  onLine: () => void,
): Promise<string | undefined> {
  const child = spawn(process.execPath, ['--conditions=floecat-source', CHILD, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  // Not at a line it prints, but somewhere in the work after it.
  const after = random.below(ROWS / 100 - 4);
  const turns = random.below(30);
  let lines = 0;
  let registered: string | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    onLine();
    const [what, id] = line.split(' ');
    if (what === 'registered') registered = id;
    if (lines++ !== after) continue;
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
  }
  const [, signal] = (await ended) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL', 'it was killed before it was done');
  return registered;
}

/** Changes pointers, makes new ones and deletes those, while a backup is taken. */
class Writer {
  readonly #storage: Storage;
  readonly #random: SeededRandom;
  readonly #rows: readonly Pointer[];
  /** Of each key that is there all the time, the writes that made a version of it since the beginning. */
  readonly #history: ReadonlyMap<string, Set<string>>;
  #writing: Promise<void> = Promise.resolve();

  private constructor(storage: Storage, random: SeededRandom, rows: readonly Pointer[]) {
    this.#storage = storage;
    this.#random = random;
    this.#rows = rows;
    this.#history = new Map(rows.map(({ key, writeId }) => [key, new Set([writeId])]));
  }

  static async open(storage: Storage, random: SeededRandom): Promise<Writer> {
    return new Writer(storage, random, await allPointers(storage, '/accounts/acme/'));
  }

  /** Makes some more writes, without being waited for. */
  write(): void {
    this.#writing = this.#writing.then(() => this.#some());
    this.#writing.catch(() => undefined);
  }

  /** Fails unless every key is in `held` once, at a version that it had. */
  async check(held: readonly Pointer[]): Promise<void> {
    await this.#writing;
    const found = new Map(held.map((pointer) => [pointer.key, pointer]));
    assert.equal(found.size, held.length, 'each key is there once');
    let changed = 0;
    for (const [key, writes] of this.#history) {
      const pointer = found.get(key);
      assert.ok(pointer && writes.has(pointer.writeId), `${key} is held as it was at some time`);
      if (writes.size > 1) changed++;
    }
    assert.equal(this.#history.size, ROWS);
    assert.ok(changed > 0, 'something was written meanwhile');
    for (const key of found.keys()) assert.ok(this.#history.has(key) || key.startsWith('/accounts/new/'));
  }

  async #some(): Promise<void> {
    for (let i = 0; i < 20; i++) {
      const { key } = this.#random.pick(this.#rows);
      const { writeId } = await setPointer(this.#storage, key, value(`write ${i}`));
      this.#history.get(key)?.add(writeId);
      const fresh = await setPointer(this.#storage, `/accounts/new/${this.#random.below(1_000)}`, value(''));
      await this.#storage.pointers.compareAndDelete(fresh.key, fresh);
    }
  }
}
