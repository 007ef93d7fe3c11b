import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

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
  sleep: async (milliseconds, signal) => {
    try {
      await delay(milliseconds, undefined, signal && { signal });
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    }
  },
};

export const systemRandom: RandomSource = {
  uuid: () => randomUUID(),
  next: () => Math.random(),
};
