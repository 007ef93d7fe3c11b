import assert from 'node:assert/strict';
import { once } from 'node:events';
import { suite, test } from 'node:test';

import type { RunReport } from '@floecat/gc';
import { collectOnce, DEFAULT_GC_SETTINGS, gcStatus, runCollectors } from '@floecat/gc';
import { ownerById } from '@floecat/repository';
import { StorageUnavailableError } from '@floecat/storage-spi';

import { intercept, onEveryCall } from './support/intercept.ts';
import { assertClean } from './support/oracle.ts';
import { putStrayRoot } from './support/raw-roots.ts';
import { DAY_MS, GRACE_MS, HOUR_MS, RETENTION_MS, World } from './support/world.ts';

const NOBODY = ownerById('acme', 'tables', 'nobody');

void suite('runs', () => {
  test('a pass of many slices in many runs ends as one would', async () => {
    await using world = await World.open();
    for (let i = 0; i < 30; i++) await world.addTable(`t${i}`, `first ${i}`);
    for (let i = 0; i < 30; i++) await world.setMetadata(`t${i}`, `second ${i}`);
    // Each run is over after one slice, and each slice after one page of three.
    const cas = { ...world.settings.cas, pageSize: 3, sliceMs: 0, maxTickMs: 0 };
    const ticks = async (): Promise<RunReport[]> => {
      const reports: RunReport[] = [];
      for (;;) {
        const stop = new AbortController();
        const { clock, random } = world;
        await runCollectors(
          world.storage,
          { ...world.settings, cas, pointer: OFF, idempotency: OFF },
          {
            signal: stop.signal,
            clock: { ...wrapped(clock), sleep: async () => stop.abort() },
            random,
            onReport: (report) => reports.push(report),
            onError: (_, error) => assert.fail(String(error)),
          },
        );
        if (reports.at(-1)?.outcome === 'done') return reports;
        world.clock.advance(cas.tickEveryMs);
      }
    };
    world.clock.advance(GRACE_MS);
    const first = await ticks();
    assert.ok(first.length > 40, `${first.length} runs`);
    assert.equal(first.at(-1)?.counts['newlyCondemned'], 90);
    world.clock.advance(RETENTION_MS);
    const second = await ticks();
    assert.equal(second.at(-1)?.counts['deleted'], 90);
    await assertClean(world);
  });

  test('a run that is over before all accounts had a turn is followed by one that begins behind it', async () => {
    await using world = await World.open();
    for (const account of ['b', 'c', 'd']) await world.addAccount(account);
    const turns: string[] = [];
    const storage = intercept(world.storage, {
      blobs: (real) => ({
        listVersions: async (prefix, options) => {
          const account = /^\/accounts\/(\w+)\/$/.exec(prefix)?.[1];
          if (account !== undefined) turns.push(account);
          return real.listVersions(prefix, options);
        },
      }),
    });
    const cas = { ...world.settings.cas, sliceMs: 0, maxTickMs: 0 };
    const settings = { ...world.settings, cas, pointer: OFF, idempotency: OFF };
    for (let tick = 0; tick < 10; tick++) {
      const stop = new AbortController();
      const { clock, random } = world;
      const stopping = { ...wrapped(clock), sleep: async () => stop.abort() };
      await runCollectors(storage, settings, { signal: stop.signal, clock: stopping, random });
      world.clock.advance(cas.tickEveryMs);
    }
    // A turn is one slice: first the mark, then, a round later, the sweep, which lists nothing.
    assert.deepEqual(turns.slice(0, 4), ['acme', 'b', 'c', 'd']);
    assert.deepEqual(turns.slice(4), ['acme', 'b'].slice(0, turns.length - 4));
  });

  test('a list of more than one segment is walked as one of one is', async () => {
    await using world = await World.open();
    for (let i = 0; i < 12_000; i++)
      await world.storage.blobs.put(
        `${NOBODY.blobPrefix}metadata/${String(i).padStart(64, '0')}.pb`.replace('.pb', '.xx'),
        Buffer.of(1),
      );
    const odd = await world.pass();
    assert.equal(odd['unknown'], 12_000, 'no digest in the name: of no known shape');
    for (const uri of await world.uris(NOBODY.blobPrefix)) await world.storage.blobs.delete(uri);
    for (let i = 0; i < 12_000; i++) await putStrayRoot(world.storage, NOBODY, `${i}`);
    world.clock.advance(GRACE_MS);
    await world.pass();
    const lists = await world.uris('/floecat/gc/acme/');
    assert.equal(lists.length, 2, lists.join());
    world.clock.advance(RETENTION_MS - 1);
    assert.deepEqual(pick(await world.pass(), ['condemned', 'newlyCondemned', 'deleted']), [12_000, 0, 0]);
    world.clock.advance(1);
    assert.equal((await world.pass())['deleted'], 12_000);
    assert.ok((await world.uris('/floecat/gc/acme/')).length <= 2, 'old lists are removed');
  });

  test('a list that is damaged or gone is forgotten: its blobs are condemned anew, and wait anew', async () => {
    await using world = await World.open();
    await putStrayRoot(world.storage, NOBODY, 'garbage');
    world.clock.advance(GRACE_MS);
    await world.pass();
    const [list] = await world.uris('/floecat/gc/acme/');
    await world.storage.blobs.put(list ?? '', Buffer.from('damaged'));
    world.clock.advance(RETENTION_MS);
    assert.deepEqual(pick(await world.pass(), ['newlyCondemned', 'deleted']), [1, 0]);
    world.clock.advance(RETENTION_MS);
    assert.equal((await world.pass())['deleted'], 1);
  });

  test('a run that is aborted stops, keeps what it has, and another one goes on', async () => {
    await using world = await World.open();
    for (let i = 0; i < 50; i++) await putStrayRoot(world.storage, NOBODY, `${i}`);
    world.clock.advance(GRACE_MS);
    await world.pass();
    world.clock.advance(RETENTION_MS);
    const stop = new AbortController();
    let deletes = 0;
    const storage = intercept(world.storage, {
      blobs: (real) => ({
        deleteVersion: async (...args) => {
          if (++deletes === 20) stop.abort(new Error('stopped'));
          return real.deleteVersion(...args);
        },
      }),
    });
    const { clock, random, settings } = world;
    await assert.rejects(
      collectOnce(storage, settings, { clock, random, only: ['cas'], signal: stop.signal }),
      (error: Error) => /abort|stopped/i.test(error.message),
    );
    const left = (await world.uris(NOBODY.blobPrefix)).length;
    assert.ok(left > 0 && left < 50);
    world.clock.advance(HOUR_MS);
    await world.pass();
    assert.deepEqual(await world.uris(NOBODY.blobPrefix), []);
  });

  test('of many processes one makes each run, and a run is not made twice within its time', async () => {
    await using world = await World.open();
    const stop = new AbortController();
    const reports: RunReport[] = [];
    const running = Array.from({ length: 4 }, () =>
      runCollectors(world.storage, world.settings, {
        signal: stop.signal,
        clock: world.clock,
        random: world.random,
        onReport: (report) => reports.push(report),
        onError: (_, error) => assert.fail(String(error)),
      }),
    );
    const settled = async (): Promise<void> => {
      // Every one of four processes and three collectors sleeps.
      while (world.clock.sleeping < 12) await new Promise((resolve) => setImmediate(resolve));
    };
    await settled();
    assert.deepEqual(reports.map(({ collector }) => collector).toSorted(), ['cas', 'idempotency', 'pointer']);
    world.clock.advance(HOUR_MS / 2);
    await settled();
    assert.equal(reports.length, 3);
    world.clock.advance(HOUR_MS / 2);
    await settled();
    assert.equal(reports.length, 6);
    stop.abort();
    await Promise.all(running);
  });

  test('a store that is down is told, and tried again at the next tick', async () => {
    await using world = await World.open();
    const stop = new AbortController();
    let down = true;
    const storage = onEveryCall(world.storage, () => {
      if (down) throw new StorageUnavailableError('down');
    });
    const errors: unknown[] = [];
    const reports = new EventTarget();
    const running = runCollectors(
      storage,
      { ...world.settings, pointer: OFF, idempotency: OFF },
      {
        signal: stop.signal,
        clock: world.clock,
        random: world.random,
        onReport: () => reports.dispatchEvent(new Event('report')),
        onError: (_, error) => errors.push(error),
      },
    );
    while (world.clock.sleeping < 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(errors.length, 1);
    down = false;
    const reported = once(reports, 'report');
    world.clock.advance(HOUR_MS);
    await reported;
    stop.abort();
    await running;
    assert.equal(errors.length, 1);
  });

  test('a lease that was not given back runs out', async () => {
    await using world = await World.open();
    const { clock, random, settings, storage } = world;
    let calls = 0;
    const dying = onEveryCall(storage, (name) => {
      if (name === 'blobs.listVersions') calls++;
      if (calls > 0) throw new Error('killed');
    });
    await collectOnce(dying, settings, { clock, random, only: ['cas'] }).catch(() => undefined);
    const [busy] = await collectOnce(storage, settings, { clock, random, only: ['cas'] });
    assert.equal(busy?.ran, false);
    clock.advance(HOUR_MS);
    const [free] = await collectOnce(storage, settings, { clock, random, only: ['cas'] });
    assert.equal(free?.ran, true);
  });

  test('the status tells the runs, the phase of each account and what is condemned', async () => {
    await using world = await World.open();
    await world.addTable('orders', 'one');
    await world.setMetadata('orders', 'two');
    world.clock.advance(GRACE_MS);
    for (const collector of ['pointer', 'cas'] as const) await world.collect(collector);
    const status = await gcStatus(world.storage, world.settings, {
      clock: world.clock,
      random: world.random,
    });
    assert.deepEqual(
      status.collectors.map(({ collector, runs }) => [collector, runs.map(({ outcome }) => outcome)]),
      [
        ['idempotency', []],
        ['pointer', ['done']],
        ['cas', ['done']],
      ],
    );
    const [acme] = status.accounts;
    assert.deepEqual([acme?.account, acme?.phase, acme?.condemned], ['acme', 'idle', 3]);
    assert.equal(acme?.markedAt, world.clock.now());
    world.clock.advance(31 * DAY_MS);
    const later = await gcStatus(world.storage, world.settings, { clock: world.clock, random: world.random });
    assert.deepEqual(later.collectors[1]?.runs, [], 'records of runs expire');
  });
});

const OFF = { ...DEFAULT_GC_SETTINGS.pointer, enabled: false, minAgeMs: 0 };

function wrapped(clock: World['clock']): Pick<World['clock'], 'now' | 'monotonic'> {
  return { now: () => clock.now(), monotonic: () => clock.monotonic() };
}

function pick(counts: RunReport['counts'], names: readonly string[]): (number | undefined)[] {
  return names.map((name) => counts[name]);
}
