import type { StorageError } from '@floecat/storage-spi';
import { StorageUnavailableError, StorageUnknownOutcomeError } from '@floecat/storage-spi';
import type { SeededRandom } from '@floecat/storage-testkit';

import type { Interception } from './store-calls.ts';

const WRITES = new Set([
  'pointers.compareAndSet',
  'pointers.compareAndSetBatch',
  'pointers.compareAndDelete',
]);

/** How calls fail. Only a write has an outcome that can be unknown: applied, not applied, or applied later on. */
const FAULTS = ['unavailable', 'unknown-lost', 'unknown-applied', 'unknown-late'] as const;
type Fault = (typeof FAULTS)[number];

export interface Faults {
  readonly intercept: Interception;
  /** How often each fault was injected. */
  readonly counts: Readonly<Record<Fault, number>>;
  /** Sends the writes that were to be late. Call it before the store is looked at. */
  readonly flush: () => Promise<void>;
}

/** Lets one call in `every` fail, in the ways in which a store may. A late write lands some calls after its answer was lost. */
export function injectFaults(random: SeededRandom, every: number): Faults {
  const counts: Record<Fault, number> = {
    unavailable: 0,
    'unknown-lost': 0,
    'unknown-applied': 0,
    'unknown-late': 0,
  };
  let late: { inCalls: number; readonly send: () => Promise<unknown> }[] = [];
  const land = async (isDue: (inCalls: number) => boolean): Promise<void> => {
    const due = late.filter(({ inCalls }) => isDue(inCalls));
    late = late.filter((each) => !due.includes(each));
    for (const { send } of due) await send().catch(() => undefined);
  };
  const intercept: Interception = async ({ name }, proceed) => {
    for (const each of late) each.inCalls--;
    await land((inCalls) => inCalls <= 0);
    if (random.below(every) > 0) return proceed();
    const fault = WRITES.has(name) ? random.pick(FAULTS) : 'unavailable';
    counts[fault]++;
    if (fault === 'unknown-applied') await proceed();
    if (fault === 'unknown-late') late.push({ inCalls: 1 + random.below(20), send: proceed });
    throw failure(fault, name);
  };
  return { intercept, counts, flush: () => land(() => true) };
}

function failure(fault: Fault, name: string): StorageError {
  const message = `injected: ${fault} ${name}`;
  return fault === 'unavailable'
    ? new StorageUnavailableError(message)
    : new StorageUnknownOutcomeError(message);
}
