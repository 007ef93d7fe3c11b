import type { Clock } from '@floecat/storage-spi';
import { StorageUnavailableError } from '@floecat/storage-spi';

/**
 * Runs `work` under a signal that is aborted with the caller's, or once `milliseconds` have passed. Then every call under
 * way ends in an error of its own, and what only waits in `StorageUnavailableError`.
 */
export async function withDeadline<T>(
  clock: Clock,
  milliseconds: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const done = new AbortController();
  const began = clock.monotonic();
  void clock.sleep(milliseconds, done.signal).then(
    () => {
      // A clock that does not wait, as some tests have it, has no deadlines.
      if (clock.monotonic() - began < milliseconds / 2) return undefined;
      const message = `the operation was not done within ${milliseconds} ms: try again later`;
      return over.abort(new StorageUnavailableError(message));
    },
    () => undefined,
  );
  try {
    return await work(signal ? AbortSignal.any([signal, over.signal]) : over.signal);
  } finally {
    done.abort(ENDED);
  }
}

const ENDED = new Error('the operation has ended');
