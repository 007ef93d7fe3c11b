import type { Clock } from './clock.ts';
import { StorageError } from './errors.ts';
import type {
  FailureCode,
  Observation,
  ObservedStore,
  OperationGain,
  OperationOutcome,
  StorageObserver,
} from './storage-observer.ts';

/** What an observing wrapper reports to, and the time by which. */
export interface Observing {
  readonly observer: StorageObserver;
  readonly clock: Clock;
}

/** How an operation that threw nothing ended. */
export interface OperationEnd extends Partial<OperationGain> {
  /** Default `ok`. */
  readonly outcome?: OperationOutcome;
}

const NOTHING: OperationGain = { items: 0, bytesRead: 0, bytesWritten: 0 };

/** Runs one operation of a store and reports it. `endOf` says what its result means. */
export async function observeCall<T>(
  { observer, clock }: Observing,
  store: ObservedStore,
  operation: string,
  body: () => Promise<T>,
  endOf: (result: T) => OperationEnd,
): Promise<T> {
  const observation = quietly(() => observer.operation(store, operation));
  const began = clock.monotonic();
  let result: T;
  try {
    result = await runWithin(observation, body);
  } catch (error) {
    const durationMs = clock.monotonic() - began;
    quietly(() => observation?.end({ ...NOTHING, outcome: failureCodeOf(error), error, durationMs }));
    throw error;
  }
  const durationMs = clock.monotonic() - began;
  quietly(() => observation?.end({ ...NOTHING, outcome: 'ok', ...endOf(result), durationMs }));
  return result;
}

/** The code of what was thrown. */
export function failureCodeOf(error: unknown): FailureCode {
  return error instanceof StorageError ? error.code : 'INTERNAL';
}

/** Runs `body` inside of the observation, and exactly once whatever that does. */
export function runWithin<T>(
  observation: Observation<never> | undefined,
  body: () => Promise<T>,
): Promise<T> {
  let running: Promise<T> | undefined;
  const run = (): Promise<T> => (running ??= started(body));
  quietly(() => observation?.within(() => void run()));
  return run();
}

/** What `work` answers, `undefined` where it throws: an observer must not fail what it observes. */
export function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** As a rejection, what a body throws is not taken for the observer's. */
async function started<T>(body: () => Promise<T>): Promise<T> {
  return body();
}
