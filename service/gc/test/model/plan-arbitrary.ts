import * as fc from 'fast-check';

import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './model-time.ts';
import type { Account, ClientOp, CollectorOp, Event, Place, Plan, ProcessPlan } from './plan.ts';

// Mostly the table that is there at the start, so that most of what is tried can be done.
const ACCOUNTS: readonly Account[] = ['acme', 'acme', 'acme', 'acme', 'acme', 'acme', 'beta'];
const LEVELS = [['a'], ['a'], ['a'], ['a'], ['b'], ['a', 'x']] as const;
const NAMES = ['t', 't', 't', 'u'];
const TEXTS = ['one', 'two', 'three'];
/** From less than any deadline to more than grace and retention. */
const WAITS = [
  2 * SECOND_MS,
  2 * MINUTE_MS,
  40 * MINUTE_MS,
  2 * HOUR_MS,
  2 * HOUR_MS,
  DAY_MS,
  8 * DAY_MS,
  8 * DAY_MS,
  35 * DAY_MS,
];

const account = fc.constantFrom(...ACCOUNTS);
const levels: fc.Arbitrary<readonly string[]> = fc.constantFrom(...LEVELS);
const text = fc.constantFrom(...TEXTS);
const place: fc.Arbitrary<Place> = fc.record({ account, levels, name: fc.constantFrom(...NAMES) });
const relation = fc.constantFrom('table', 'table', 'table', 'table', 'table', 'view');
const is = <T extends string>(...names: readonly [T, ...T[]]): fc.Arbitrary<T> => fc.constantFrom(...names);

const clientOp: fc.Arbitrary<ClientOp> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: is('create-table'),
      at: place,
      text,
      end: is('publish', 'publish', 'snapshot', 'leave'),
    }),
  },
  fc.record({ do: is('publish', 'touch', 'discard') }),
  { weight: 12, arbitrary: fc.record({ do: is('set-metadata'), of: relation, at: place, text }) },
  { weight: 2, arbitrary: fc.record({ do: is('rename'), of: relation, at: place, to: place }) },
  { weight: 2, arbitrary: fc.record({ do: is('drop'), of: relation, at: place }) },
  fc.record({ do: is('create-view'), at: place, text }),
  { weight: 2, arbitrary: fc.record({ do: is('add-snapshot'), at: place, id: fc.nat(2), text }) },
  { weight: 2, arbitrary: fc.record({ do: is('create-namespace'), account, levels }) },
  fc.record({ do: is('rename-namespace'), account, levels, to: levels }),
  { weight: 2, arbitrary: fc.record({ do: is('drop-namespace'), account, levels, recursive: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: is('ensure-account', 'ensure-account', 'drop-account') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: is('transfer'),
      from: fc.constantFrom(0, 1),
      amount: fc.nat(3),
      record: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: is('read'), of: relation, at: place }) },
  fc.record({ do: is('list'), account, levels }),
  fc.record({ do: is('orphan-name'), levels }),
  fc.record({ do: is('restart') }),
);

const collector = is('cas', 'cas', 'cas', 'pointer', 'idempotency');
const collectorOp: fc.Arbitrary<CollectorOp> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: is('collect'), what: collector, breakLease: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ do: is('wait'), milliseconds: fc.constantFrom(...WAITS) }) },
  fc.record({ do: is('dry-run'), what: collector }),
  fc.record({ do: is('pardon'), nth: fc.nat(5) }),
  fc.record({ do: is('take-backup', 'end-backup') }),
);

const processPlan: fc.Arbitrary<ProcessPlan> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      as: is('client'),
      caching: fc.boolean(),
      ops: fc.array(clientOp, { minLength: 1, maxLength: 6, size: 'max' }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      as: is('collector'),
      ops: fc.array(collectorOp, { minLength: 3, maxLength: 9, size: 'max' }),
    }),
  },
);

const fate = is('lost', 'applied', 'late');
/** Mostly close together, now and then far apart. */
const after = fc.oneof(fc.nat(2), fc.nat(12), fc.nat(80));
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ after, what: is('switch'), to: fc.nat(5) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      after,
      what: is('fault'),
      kind: is('unavailable', 'unknown-lost', 'unknown-applied', 'unknown-late'),
      times: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      after,
      what: is('elapse'),
      milliseconds: fc.constantFrom(...WAITS),
      deadlines: is('after-answer', 'lost', 'applied', 'late'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ after, what: is('stall') }) },
  { weight: 2, arbitrary: fc.record({ after, what: is('reorder'), nth: fc.nat(8) }) },
  { weight: 2, arbitrary: fc.record({ after, what: is('abort', 'crash'), fate }) },
  {
    weight: 1,
    arbitrary: fc.record({
      after,
      what: is('skew'),
      process: fc.nat(5),
      milliseconds: fc.constantFrom(-7 * DAY_MS, -HOUR_MS, 0, HOUR_MS, 7 * DAY_MS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      after,
      what: is('set-clocks'),
      milliseconds: fc.constantFrom(-7 * DAY_MS, -HOUR_MS, HOUR_MS, 8 * DAY_MS),
    }),
  },
);

/** Schedules of two to five processes. */
export const plans: fc.Arbitrary<Plan> = fc.record({
  seed: fc.nat(),
  pageSize: fc.constantFrom(1, 3, 1_000),
  batchLimit: fc.constantFrom(1, 1_000),
  sliceMs: fc.constantFrom(0, 5_000),
  maxDeleteRatio: fc.constantFrom(1, 1, 0.3),
  tombstoneTtlMs: fc.constantFrom(HOUR_MS, 30 * DAY_MS),
  processes: fc.array(processPlan, { minLength: 2, maxLength: 5, size: 'max' }),
  events: fc.array(event, { maxLength: 40, size: 'max' }),
});
