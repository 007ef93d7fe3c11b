import { duration, fraction, wholeNumber } from './number-types.ts';
import type { ValuesOf } from './property.ts';
import { property, section } from './property.ts';
import { boolean } from './text-types.ts';

const MAX_GRACE_MS = 30 * 24 * 3_600_000;
const MAX_TTL_SECONDS = 3_650 * 24 * 3_600;
const DAY_MS = 24 * 3_600_000;

/** What every collector has, under `floecat.gc.{name}`. */
function collector(name: string, what: string, batch: string) {
  const key = (last: string): string => `floecat.gc.${name}.${last}`;
  return {
    enabled: property(key('enabled'), boolean, 'true', `Whether the service ${what}.`),
    // Timers of the runtime hold at most 2^31 - 1 ms, about 24 days.
    tickEveryMs: property(
      key('tick-every'),
      duration('1s', '7d'),
      '1h',
      'How often a run of it begins, in whichever process of the store.',
    ),
    pageSize: property(
      key('page-size'),
      wholeNumber(1, 1_000),
      '1000',
      'How many rows or blob versions it lists at a time.',
    ),
    batchLimit: property(
      key('batch-limit'),
      wholeNumber(1, 100_000),
      '1000',
      `How many ${batch} it deletes at most before it checks again that pointers and blobs belong together.`,
    ),
    sliceMs: property(
      key('slice-millis'),
      wholeNumber(0, DAY_MS, 'milliseconds'),
      '5000',
      'How long it works on one account before the next one has its turn.',
    ),
    maxTickMs: property(
      key('max-tick-millis'),
      wholeNumber(0, DAY_MS, 'milliseconds'),
      '600000',
      'How long one run takes at most; the next one goes on from there.',
    ),
    accountsPageSize: property(
      key('accounts-page-size'),
      wholeNumber(1, 1_000),
      '100',
      'How many accounts it lists at a time.',
    ),
  };
}

/** The properties of the garbage collectors. */
export const GC_SCHEMA = {
  gc: section('Garbage collection', {
    maxDeleteRatio: property(
      'floecat.gc.max-delete-ratio',
      fraction,
      '0.5',
      "What part of an account's blob versions one pass may delete. With more to delete it deletes nothing and says so, since that may be the sign of lost pointers.",
    ),
    tombstoneTtlSeconds: property(
      'floecat.gc.tombstone.ttl-seconds',
      wholeNumber(0, MAX_TTL_SECONDS, 'seconds'),
      '2592000',
      'How long the tombstone of something dropped stands at least. It stays until every other blob of its owner is gone, and no kept backup holds the owner.',
    ),
  }),
  gcIdempotency: section('Collector of expired rows', {
    ...collector('idempotency', 'reaps expired records and ends tombstones', 'rows'),
    minAgeMs: property(
      'floecat.gc.idempotency.min-age-ms',
      wholeNumber(0, MAX_GRACE_MS, 'milliseconds'),
      '3600000',
      'How long after its expiry a row is left alone.',
    ),
  }),
  gcPointer: section('Collector of pointers', {
    ...collector(
      'pointer',
      'ends names and children without an owner, staged owners past their grace, and drops that were interrupted',
      'rows',
    ),
    minAgeMs: property(
      'floecat.gc.pointer.min-age-ms',
      wholeNumber(1_000, MAX_GRACE_MS, 'milliseconds'),
      '3600000',
      'How long the pointer collector leaves a new pointer alone. Fixed when the store is made: a process with another value is refused.',
    ),
  }),
  gcCas: section('Collector of blobs', {
    ...collector('cas', 'deletes blobs that nothing refers to', 'blob versions'),
    minAgeMs: property(
      'floecat.gc.cas.min-age-ms',
      wholeNumber(1_000, MAX_GRACE_MS, 'milliseconds'),
      '3600000',
      'How long the blob collector leaves a new blob alone. A writer gives up once half of it has passed since its first put. Fixed when the store is made.',
    ),
    retentionMs: property(
      'floecat.gc.cas.retention',
      duration('1s', '3650d'),
      '7d',
      'How long a blob that nothing refers to is kept before it is deleted. Fixed when the store is made.',
    ),
  }),
};

/** How the collectors work. What is fixed when the store is made is in its layout. */
export function gcSettings(values: ValuesOf<typeof GC_SCHEMA>) {
  const { gc, gcIdempotency, gcPointer, gcCas } = values;
  const { minAgeMs: _pointerGrace, ...pointer } = gcPointer;
  const { minAgeMs: _casGrace, retentionMs: _retention, ...cas } = gcCas;
  return Object.freeze({
    idempotency: gcIdempotency,
    pointer,
    cas,
    tombstoneTtlMs: gc.tombstoneTtlSeconds * 1_000,
    maxDeleteRatio: gc.maxDeleteRatio,
  });
}

export type GcProperties = ReturnType<typeof gcSettings>;
