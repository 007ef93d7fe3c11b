import { StorageAbortRetryableError, StorageClosedError, StorageUnknownOutcomeError } from './errors.ts';

export interface GatedCall {
  readonly operation: string;
  readonly key: string;
  /** Whether an abort in flight leaves the outcome unknown. */
  readonly write: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Lets calls through until it is closed, honours their abort signals, and waits for them on close. */
export class CallGate {
  #closing: Promise<void> | undefined;
  #inFlight = 0;
  #idle: (() => void) | undefined;

  async run<T>(call: GatedCall, body: () => Promise<T>): Promise<T> {
    const { operation, key, signal } = call;
    if (this.#closing)
      throw new StorageClosedError(`${operation}: the store is closed; open it again`, { operation, key });
    if (signal?.aborted)
      throw new StorageAbortRetryableError(`${operation}: aborted before it was sent; not applied`, {
        operation,
        key,
        cause: signal.reason,
      });
    this.#inFlight++;
    let work: Promise<T>;
    try {
      work = body();
    } catch (error) {
      // A body that throws instead of rejecting must not keep close waiting.
      this.#left();
      throw error;
    }
    if (!signal) {
      try {
        return await work;
      } finally {
        this.#left();
      }
    }
    work.then(
      () => this.#left(),
      () => this.#left(),
    );
    return await abortable(work, call, signal);
  }

  /** Refuses new calls, waits for those under way, then runs `release` once. */
  close(release: () => Promise<void>): Promise<void> {
    this.#closing ??= this.#drained().then(release);
    return this.#closing;
  }

  #drained(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  #left(): void {
    if (--this.#inFlight === 0) this.#idle?.();
  }
}

function abortable<T>(work: Promise<T>, call: GatedCall, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const { operation, key, write } = call;
    const context = { operation, key };
    const onAbort = (): void => {
      const cause: unknown = signal.reason;
      reject(
        write
          ? new StorageUnknownOutcomeError(
              `${operation}: aborted in flight; it may have been applied, so read before you repeat it`,
              { ...context, cause },
            )
          : new StorageAbortRetryableError(`${operation}: aborted in flight`, { ...context, cause }),
      );
    };
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
