import * as fc from 'fast-check';

import { DAY_MS, HOUR_MS } from './model-time.ts';
import type { CollectorOp, Event, Place, Plan } from './plan.ts';

const AT: Place = { account: 'acme', levels: ['a'], name: 't' };

/** Writers that want the same few blobs again and again, beside the collectors that take them. */
export interface Focus {
  /** Pauses of the collectors, ms. Default: about the grace, and more than the retention. */
  readonly waits?: readonly number[];
  /** Whether calls fail. Default false. */
  readonly faults?: boolean;
  /** Whether processes stand still, as a commit does that its blobs do not outlive. Default false. */
  readonly stalls?: boolean;
}

/** Schedules of one or two writers of one table and one or two collectors of blobs, with not much else. */
export function busyPlans({
  waits = [2 * HOUR_MS, 8 * DAY_MS],
  faults = false,
  stalls = false,
}: Focus = {}): fc.Arbitrary<Plan> {
  const writing = fc.record({
    do: fc.constant('set-metadata' as const),
    of: fc.constant('table' as const),
    at: fc.constant(AT),
    text: fc.constantFrom('one', 'two'),
  });
  const writer = fc.record({
    as: fc.constant('client' as const),
    caching: fc.constant(false),
    ops: fc.array(writing, { minLength: 2, maxLength: 6, size: 'max' }),
  });
  const collecting: fc.Arbitrary<CollectorOp> = fc.oneof(
    fc.record({
      do: fc.constant('collect' as const),
      what: fc.constant('cas' as const),
      breakLease: fc.constant(false),
    }),
    fc.record({ do: fc.constant('wait' as const), milliseconds: fc.constantFrom(...waits, DAY_MS) }),
  );
  const collector = fc.record({
    as: fc.constant('collector' as const),
    ops: fc.array(collecting, { minLength: 3, maxLength: 8, size: 'max' }),
  });
  const after = fc.oneof(fc.nat(3), fc.nat(30));
  const turn: fc.Arbitrary<Event> = fc.record({ after, what: fc.constant('switch' as const), to: fc.nat(3) });
  const fault: fc.Arbitrary<Event> = fc.record({
    after,
    what: fc.constant('fault' as const),
    kind: fc.constant('unavailable' as const),
    times: fc.integer({ min: 1, max: 3 }),
  });
  const stall: fc.Arbitrary<Event> = fc.record({ after, what: fc.constant('stall' as const) });
  const kinds = [turn, ...(faults ? [fault] : []), ...(stalls ? [stall] : [])];
  return fc.record({
    seed: fc.nat(),
    pageSize: fc.constantFrom(1, 1_000),
    batchLimit: fc.constantFrom(1, 1_000),
    sliceMs: fc.constant(5_000),
    maxDeleteRatio: fc.constant(1),
    tombstoneTtlMs: fc.constant(HOUR_MS),
    processes: fc
      .tuple(writer, collector, fc.option(writer), fc.option(collector))
      .map(([one, two, three, four]) => [one, two, ...(three ? [three] : []), ...(four ? [four] : [])]),
    events: fc.array(kinds.length === 1 ? turn : fc.oneof(...kinds), { maxLength: 30, size: 'max' }),
  });
}
