import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import type { CollectorObserver, CollectorRun } from '@floecat/config';
import { COLLECTOR_METRICS as METRICS, COLLECTOR_TAGS as TAGS, collectorTelemetry } from '@floecat/config';

import { Measurements } from './telemetry-support.ts';

const RUN: CollectorRun = {
  collector: 'cas',
  outcome: 'done',
  startedAt: 1_700_000_000_000,
  endedAt: 1_700_000_002_500,
  accounts: 3,
  unfinished: 0,
  counts: {
    versions: 100,
    condemned: 12,
    condemnedBytes: 1_200,
    newlyCondemned: 5,
    deleted: 4,
    deletedBytes: 400,
  },
  problems: [],
};

async function observed(tell: (collectors: CollectorObserver) => void): Promise<Measurements> {
  const measurements = new Measurements();
  tell(await collectorTelemetry({ meter: measurements.meter }));
  await measurements.look();
  return measurements;
}

suite('metrics of the collectors', () => {
  test('a run that was done: its time, what went, what waits', async () => {
    const seen = await observed((collectors) => collectors.ran(RUN));
    const done = { [TAGS.collector]: 'cas', [TAGS.outcome]: 'done' };
    assert.deepEqual([seen.count(METRICS.duration, done), seen.sum(METRICS.duration, done)], [1, 2.5]);
    assert.equal(seen.sum(METRICS.deleted, { [TAGS.collector]: 'cas', [TAGS.item]: 'blob-version' }), 4);
    assert.equal(seen.sum(METRICS.deletedBytes), 400);
    assert.equal(seen.sum(METRICS.newlyCondemned), 5);
    assert.equal(seen.sum(METRICS.condemned), 8);
    assert.equal(seen.sum(METRICS.condemnedBytes), 800);
    assert.equal(seen.sum(METRICS.versionedDeletes), 1);
    assert.equal(seen.sum(METRICS.problems), 0);
    assert.equal(seen.units()[METRICS.duration], 's');
  });

  test('what the other collectors took away, each by its name', async () => {
    const seen = await observed((collectors) => {
      collectors.ran({
        ...RUN,
        collector: 'idempotency',
        counts: { rows: 9, reaped: 1, tombstonesEnded: 2, systemRows: 3 },
      });
      collectors.ran({ ...RUN, collector: 'pointer', counts: { deleted: 4, settled: 5, dependents: 6 } });
    });
    const items = ['record', 'tombstone', 'system-row', 'pointer', 'unfinished', 'dependent'];
    assert.deepEqual(
      items.map((item) => seen.sum(METRICS.deleted, { [TAGS.item]: item })),
      [1, 2, 3, 4, 5, 6],
    );
    assert.equal(seen.units()[METRICS.versionedDeletes], undefined, 'they have nothing to say of blobs');
  });

  test('a run that was refused tells why, and nothing of what waits', async () => {
    const seen = await observed((collectors) =>
      collectors.ran({
        ...RUN,
        outcome: 'refused',
        unfinished: 1,
        counts: {},
        problems: [{ code: 'GC_UNVERSIONED' }, { code: 'GC_REFUSED' }],
      }),
    );
    for (const code of ['GC_UNVERSIONED', 'GC_REFUSED'])
      assert.equal(seen.sum(METRICS.problems, { 'error.type': code }), 1);
    assert.equal(seen.sum(METRICS.unfinished), 1);
    assert.ok(METRICS.versionedDeletes in seen.units());
    assert.equal(seen.sum(METRICS.versionedDeletes), 0);
    assert.equal(seen.units()[METRICS.condemned], undefined);
  });

  test('what kept a run from beginning is a problem of its collector', async () => {
    const seen = await observed((collectors) => {
      collectors.failed('cas', Object.assign(new Error('down'), { code: 'STORAGE_UNAVAILABLE' }));
      collectors.failed('cas', new TypeError('a defect'));
    });
    for (const code of ['STORAGE_UNAVAILABLE', 'INTERNAL'])
      assert.equal(seen.sum(METRICS.problems, { [TAGS.collector]: 'cas', 'error.type': code }), 1);
  });
});
