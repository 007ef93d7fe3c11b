import { randomUUID } from 'node:crypto';

/** Time, passed in so that a test can own it. */
export interface Clock {
  /** Wall time, epoch milliseconds. */
  now(): number;
  /** Milliseconds from an arbitrary start; never runs backwards. */
  monotonic(): number;
  /** Resolves after `milliseconds`; rejects with the signal's reason if aborted first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Randomness, passed in so that a failing seed replays. */
export interface RandomSource {
  /** A version 4 UUID, lower case. */
  uuid(): string;
  /** Uniform in [0, 1). */
  next(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  // Not the timer of node:timers/promises: that one makes an error, with its stack, for each sleep that is cut short,
  // and every request has a timeout that is.
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, milliseconds);
      if (signal?.aborted) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    }),
};

export const systemRandom: RandomSource = {
  uuid: () => randomUUID(),
  next: () => Math.random(),
};
