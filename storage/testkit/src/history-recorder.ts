import type { CallOptions, Expected, Pointer, PointerStore } from '@floecat/storage-spi';
import { StorageAbortRetryableError, StorageClosedError } from '@floecat/storage-spi';

import type {
  ExpectedState,
  HistoryCall,
  HistoryEntry,
  HistoryOutcome,
  KeyState,
} from './linearizability.ts';

/** The calls of a client whose history is recorded. Written values must be unique within the history. */
export interface RecordedClient {
  get(key: string, options?: CallOptions): Promise<Pointer | undefined>;
  set(key: string, expected: Expected, value: string, options?: CallOptions): Promise<boolean>;
  delete(key: string, expected: Expected, options?: CallOptions): Promise<boolean>;
}

/**
 * Records calls and answers for {@link assertLinearizable}, above all retries. Calls that certainly did nothing leave
 * no trace; a write that ended in any other error has an unknown outcome. Errors are passed on.
 */
export class HistoryRecorder {
  readonly #entries: HistoryEntry[] = [];
  #time = 0;

  /** What was recorded so far. Record a last read of every key before judging it. */
  get entries(): readonly HistoryEntry[] {
    return this.#entries;
  }

  client(store: PointerStore): RecordedClient {
    return {
      get: (key, options) =>
        this.#record(
          key,
          { op: 'get' },
          () => store.get(key, options),
          (row) => ({ saw: stateOf(row) }),
        ),
      set: async (key, expected, value, options) => {
        const { applied } = await this.#record(
          key,
          { op: 'set', expected: expectedState(expected), value },
          () => store.compareAndSet(key, expected, { kind: 'value', value }, options),
          (result) =>
            result.applied ? { applied: result.pointer.version } : { saw: stateOf(result.current) },
        );
        return applied;
      },
      delete: async (key, expected, options) => {
        const { applied } = await this.#record(
          key,
          { op: 'delete', expected: expectedState(expected) },
          () => store.compareAndDelete(key, expected, options),
          (result) => (result.applied ? { applied: 0 } : { saw: stateOf(result.current) }),
        );
        return applied;
      },
    };
  }

  async #record<T>(
    key: string,
    call: HistoryCall,
    run: () => Promise<T>,
    outcomeOf: (answer: T) => HistoryOutcome,
  ): Promise<T> {
    const called = ++this.#time;
    try {
      const answer = await run();
      this.#entries.push({ key, call, outcome: outcomeOf(answer), called, returned: ++this.#time });
      return answer;
    } catch (error) {
      const certainlyNot = error instanceof StorageAbortRetryableError || error instanceof StorageClosedError;
      if (call.op !== 'get' && !certainlyNot)
        this.#entries.push({ key, call, outcome: 'unknown', called, returned: Infinity });
      throw error;
    }
  }
}

function stateOf(row: Pointer | undefined): KeyState {
  return row && { version: row.version, value: row.kind === 'value' ? row.value : row.blobUri };
}

function expectedState(expected: Expected): ExpectedState {
  return typeof expected === 'number' ? expected : (stateOf(expected) as ExpectedState);
}
