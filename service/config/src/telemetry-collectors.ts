import type { Attributes, Counter, Gauge, Histogram, Meter } from '@opentelemetry/api';

import { COLLECTOR_METRICS, COLLECTOR_TAGS, TAGS } from './telemetry-names.ts';

/** From a run that found nothing to do to one that took its whole time, in seconds. */
const SECONDS = [0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400];

/** Which count of a run is of what that was taken away. */
const DELETED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  idempotency: { reaped: 'record', tombstonesEnded: 'tombstone', systemRows: 'system-row' },
  pointer: { deleted: 'pointer', dependents: 'dependent', settled: 'unfinished' },
  cas: { deleted: 'blob-version' },
};

/** The code with which the blob collector tells that its store cannot delete one version exactly. */
const UNVERSIONED = 'GC_UNVERSIONED';

/** What one run of a collector was, as `RunReport` of `@floecat/gc` has it. */
export interface CollectorRun {
  readonly collector: string;
  readonly outcome: string;
  /** Epoch ms. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** Accounts that it worked on, and those that it is not done with. */
  readonly accounts: number;
  readonly unfinished: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly problems: readonly { readonly code: string }[];
}

/** Takes in what the collectors of this process did. */
export interface CollectorObserver {
  ran(run: CollectorRun): void;
  /** Something kept a run from beginning, or from being told. */
  failed(collector: string, error: unknown): void;
}

/** The instruments of the collectors, and which fact of a run goes into which. */
export class CollectorMetrics implements CollectorObserver {
  readonly #duration: Histogram;
  readonly #problems: Counter;
  readonly #unfinished: Gauge;
  readonly #deleted: Counter;
  readonly #deletedBytes: Counter;
  readonly #newlyCondemned: Counter;
  readonly #condemned: Gauge;
  readonly #condemnedBytes: Gauge;
  readonly #versionedDeletes: Gauge;

  constructor(meter: Meter) {
    const counter = (name: string, unit: string, description: string): Counter =>
      meter.createCounter(name, { unit, description });
    const gauge = (name: string, unit: string, description: string): Gauge =>
      meter.createGauge(name, { unit, description });
    this.#duration = meter.createHistogram(COLLECTOR_METRICS.duration, {
      unit: 's',
      description: 'Runs of the collectors: how long each took',
      advice: { explicitBucketBoundaries: SECONDS },
    });
    this.#problems = counter(
      COLLECTOR_METRICS.problems,
      '{problem}',
      'Accounts in which a collector failed or refused to go on, and runs that could not begin',
    );
    this.#unfinished = gauge(
      COLLECTOR_METRICS.unfinished,
      '{account}',
      'Accounts that the last run was not done with',
    );
    this.#deleted = counter(COLLECTOR_METRICS.deleted, '{item}', 'What the collectors took away');
    this.#deletedBytes = counter(COLLECTOR_METRICS.deletedBytes, 'By', 'Bytes of deleted blob versions');
    this.#newlyCondemned = counter(
      COLLECTOR_METRICS.newlyCondemned,
      '{version}',
      'Blob versions that were condemned for the first time',
    );
    this.#condemned = gauge(
      COLLECTOR_METRICS.condemned,
      '{version}',
      'Blob versions that wait condemned, after the last whole run',
    );
    this.#condemnedBytes = gauge(COLLECTOR_METRICS.condemnedBytes, 'By', 'Bytes of these');
    this.#versionedDeletes = gauge(
      COLLECTOR_METRICS.versionedDeletes,
      '1',
      '1 where the store deletes exactly one version of a blob; 0 where not, and then no blob is deleted',
    );
  }

  ran(run: CollectorRun): void {
    const { collector, outcome, startedAt, endedAt, unfinished, counts, problems } = run;
    const of: Attributes = { [COLLECTOR_TAGS.collector]: collector };
    // A store's clock may be set back while a run goes on.
    const seconds = Math.max(0, endedAt - startedAt) / 1000;
    this.#duration.record(seconds, { ...of, [COLLECTOR_TAGS.outcome]: outcome });
    for (const { code } of problems) this.#problems.add(1, { ...of, [TAGS.errorType]: code });
    this.#unfinished.record(unfinished, of);
    for (const [name, item] of Object.entries(DELETED[collector] ?? {})) {
      const number = counts[name] ?? 0;
      if (number > 0) this.#deleted.add(number, { ...of, [COLLECTOR_TAGS.item]: item });
    }
    if (collector === 'cas') this.#blobs(run);
  }

  failed(collector: string, error: unknown): void {
    const { code } = error as { readonly code?: unknown };
    const type = typeof code === 'string' ? code : 'INTERNAL';
    this.#problems.add(1, { [COLLECTOR_TAGS.collector]: collector, [TAGS.errorType]: type });
  }

  #blobs({ outcome, counts, problems, accounts }: CollectorRun): void {
    const number = (name: string): number => counts[name] ?? 0;
    if (number('deletedBytes') > 0) this.#deletedBytes.add(number('deletedBytes'));
    if (number('newlyCondemned') > 0) this.#newlyCondemned.add(number('newlyCondemned'));
    if (problems.some(({ code }) => code === UNVERSIONED)) this.#versionedDeletes.record(0);
    if (outcome !== 'done' || accounts === 0) return;
    // Each account was asked for it, and seen whole.
    this.#versionedDeletes.record(1);
    this.#condemned.record(number('condemned') - number('deleted'));
    this.#condemnedBytes.record(number('condemnedBytes') - number('deletedBytes'));
  }
}
