import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import {
  createBackup,
  findBackup,
  FolderTarget,
  openBackup,
  restore,
  restoredBackup,
} from '@floecat/recovery';
import { openRepositories, repositoryContext } from '@floecat/repository';
import { openLocalStorage } from '@floecat/storage-local';
import type { Pointer } from '@floecat/storage-spi';
import { systemClock } from '@floecat/storage-spi';
import { seededRandom } from '@floecat/storage-testkit';

import { shareCompiledCode } from '../../../../storage/local/test/compile-cache.ts';
import { rowsOf } from '../support/rows.ts';

const CHILD = fileURLToPath(new URL('./children/run-restore.ts', import.meta.url));
const KILLS = process.env['FLOECAT_SOAK'] === undefined ? 10 : 50;
const NAMESPACES = 150;

// Children start often, from source.
shareCompiledCode();

void suite('kill -9 of a process that restores', () => {
  test(`${KILLS} kills: run again, the table is as an undisturbed restore makes it`, async (t) => {
    const seed = Number(process.env['FLOECAT_SEED'] ?? 20_261_127);
    t.diagnostic(`seed ${seed} (set FLOECAT_SEED to repeat another)`);
    const random = seededRandom(seed);
    const folder = await mkdtemp(join(tmpdir(), 'floecat-kill-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const dataDir = join(folder, 'store');
    await using target = new FolderTarget(join(folder, 'backups'));
    await fill(dataDir, target);

    const restored = async (): Promise<Map<string, Pointer>> => {
      await using storage = await openLocalStorage({ dataDir, adopt: true, flush: false });
      const found = await findBackup(target);
      const backup = restoredBackup(await openBackup(target, found?.id ?? ''));
      const report = await restore({ storage, clock: systemClock, random }, { backup });
      assert.deepEqual(report.problems, []);
      return rowsOf(storage.pointers);
    };
    const lose = (): Promise<void> => rm(join(dataDir, 'pointers'), { recursive: true });
    await lose();
    const expected = await restored();
    assert.equal(expected.size, 2 * NAMESPACES + 3);
    await lose();
    const calls = await callsBeforeKill([dataDir, target.location], Infinity);
    await lose();
    let early = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const seen = await callsBeforeKill([dataDir, target.location], 1 + random.below(calls - 1));
      if (seen === 0) early++;
      assert.deepEqual(await restored(), expected);
      await lose();
    }
    t.diagnostic(`${KILLS} kills within ${calls} store calls`);
    assert.equal(early, 0);
  });
});

/** A lake of many small things, a backup, and a change of each tenth of them. */
async function fill(dataDir: string, target: FolderTarget): Promise<void> {
  await using storage = await openLocalStorage({ dataDir, flush: false });
  const context = repositoryContext(storage, 'acme');
  const { accounts, catalogs, namespaces } = openRepositories(context);
  await accounts.ensure('acme');
  await catalogs.create('lake');
  for (let i = 0; i < NAMESPACES; i++) await namespaces.create('lake', [`n${i}`]);
  await createBackup({ storage, clock: systemClock, random: context.random }, target);
  for (let i = 0; i < NAMESPACES; i += 10) {
    const { owner } = await namespaces.require('lake', [`n${i}`]);
    await namespaces.update(owner.id, (namespace) => void (namespace.properties['changed'] = 'yes'));
  }
}

/** Starts a restore and kills its process before its `at`-th store call; answers how many calls it had begun. */
async function callsBeforeKill(args: readonly string[], at: number): Promise<number> {
  const child = spawn(process.execPath, ['--conditions=floecat-source', CHILD, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  let calls = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'done') break;
    if (++calls >= at) child.kill('SIGKILL');
  }
  await ended;
  return calls;
}
