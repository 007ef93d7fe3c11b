import assert from 'node:assert/strict';

import { COLLECTORS } from '@floecat/gc';
import { collectUnsafely } from '@floecat/gc/testing';
import { BACKUPS_PREFIX } from '@floecat/repository';
import type { Pointer, PointerStore, Storage } from '@floecat/storage-spi';

import { assertSucceeded } from './collector.ts';
import { HOUR_MS } from './model-time.ts';
import type { ModelWorld } from './model-world.ts';
import { GRACE_MS, RETENTION_MS } from './model-world.ts';

/** Rows, then their blobs, then tombstones, their blobs, and the same for an account around them. */
const MAX_ROUNDS = 10;

/**
 * Once all processes have ended: lets time pass and collects, until nothing is left that nobody needs; and all that
 * somebody needs is there.
 */
export async function comeToRest(world: ModelWorld): Promise<void> {
  const { time, oracle, weakness, random, backups } = world;
  const settings = { ...world.restSettings, maxDeleteRatio: 1 };
  const storage = watched(world);
  for (const id of oracle.backups) oracle.endBackup(id);
  for (const row of await rowsOf(world.storage.system, BACKUPS_PREFIX))
    await world.storage.system.compareAndDelete(row.key, row);
  await oracle.checkAll();
  let left: readonly string[] = ['everything'];
  for (let round = 1; left.length > 0; round++) {
    assert.ok(
      round <= MAX_ROUNDS,
      `at rest, and past grace and retention, there is left: ${left.join('\n')}`,
    );
    time.pass(GRACE_MS + Math.max(RETENTION_MS, settings.tombstoneTtlMs) + HOUR_MS);
    oracle.timeMoved();
    for (const collector of COLLECTORS) {
      const [result] = await collectUnsafely(storage, settings, {
        clock: time.store,
        random,
        only: [collector],
        readBackup: backups.read,
        without: weakness.without,
      });
      assert.ok(result?.ran, `the lease of ${collector} is held for ever`);
      assertSucceeded(result.report);
      assert.equal(result.report.outcome, 'done', JSON.stringify(result.report));
    }
    left = await garbage(world);
  }
  await oracle.checkAll();
}

/** What is there that nobody needs. */
async function garbage({ storage, oracle }: ModelWorld): Promise<string[]> {
  const left: string[] = [];
  const accounts = new Set<string>();
  for (const row of oracle.rows.values()) {
    if (row.kind !== 'blob') {
      // Names agree with their owners: what is no name of anybody is told by its write id alone.
      if (row.expiresAt !== undefined || row.value === 'nobody') left.push(`row ${row.key}`);
      continue;
    }
    if (row.state !== undefined && row.state !== 'LIVE') left.push(`row ${row.key} ${row.state}`);
    if (row.key.startsWith('/floecat/')) accounts.add(row.key.split('/').at(-1) ?? '');
  }
  let pageToken: string | undefined;
  do {
    const page = await storage.blobs.listVersions('', pageToken ? { pageToken } : {});
    for (const { uri, versionId, latest } of page.versions) {
      const [, root, , list] = uri.split('/');
      const isOfGc = root === 'floecat' && accounts.has(list ?? '');
      if (!isOfGc && !(oracle.isNeeded(uri) && latest)) left.push(`blob ${uri} ${versionId}`);
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  for (const { key } of await rowsOf(storage.system, '')) {
    const [, first, collector, what, account] = key.split('/');
    const isKept =
      first === 'gc' &&
      (collector === 'clock' ||
        collector === 'runs' ||
        what === 'turn' ||
        (what === 'accounts' && accounts.has(account ?? '')));
    if (!isKept) left.push(`system row ${key}`);
  }
  return left;
}

/** The stores, at whose every delete the oracle looks. */
function watched({ storage, oracle }: ModelWorld): Storage {
  const { pointers, blobs } = storage;
  return {
    ...storage,
    pointers: looking(pointers, async (method) => {
      if (/^(?:compare|delete)/.test(method)) assert.deepEqual(await oracle.pointersMoved(), []);
    }),
    blobs: looking(blobs, async (method, [uri]) => {
      if (method.startsWith('delete')) await oracle.blobsDeleted(String(uri));
    }),
    close: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function looking<S extends object>(
  real: S,
  look: (method: string, args: readonly unknown[]) => Promise<void>,
): S {
  return new Proxy(real, {
    get(target, method) {
      const member: unknown = Reflect.get(target, method, target);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]): Promise<unknown> => {
        const answer: unknown = await (member as (...all: unknown[]) => unknown).apply(target, args);
        await look(String(method), args);
        return answer;
      };
    },
  });
}

async function rowsOf(store: PointerStore, prefix: string): Promise<Pointer[]> {
  const rows: Pointer[] = [];
  let pageToken: string | undefined;
  do {
    const page = await store.listPointersByPrefix(prefix, pageToken ? { pageToken } : {});
    rows.push(...page.pointers);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return rows;
}
