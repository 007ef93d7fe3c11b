import type { Clock } from '@floecat/storage-spi';

export interface FakeClockOptions {
  /** Wall time to start at, epoch ms. Default 1,700,000,000,000 (14 November 2023). */
  readonly start?: number;
  /** Each sleep moves time to its end by itself, instead of waiting for {@link FakeClock.advance}. Default false. */
  readonly autoAdvance?: boolean;
}

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  readonly #autoAdvance: boolean;
  #wall: number;
  #elapsed = 0;
  #sleepers: Sleeper[] = [];

  constructor(options: FakeClockOptions = {}) {
    this.#wall = options.start ?? 1_700_000_000_000;
    this.#autoAdvance = options.autoAdvance ?? false;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  /** Wall time in whole epoch seconds, the unit of `expiresAt`. */
  seconds(): number {
    return Math.floor(this.#wall / 1000);
  }

  /** How many sleeps are waiting to be woken. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abandon = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal?.reason as Error);
      };
      const wake = (): void => {
        signal?.removeEventListener('abort', abandon);
        resolve();
      };
      const sleeper: Sleeper = { until: this.#elapsed + milliseconds, wake };
      if (signal?.aborted) return abandon();
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', abandon, { once: true });
      if (this.#autoAdvance) this.advance(Math.max(0, milliseconds));
      else this.#wakeDue();
    });
  }

  /** Moves wall and monotonic time forward and wakes, in order, every sleep that is over by then. */
  advance(milliseconds: number): void {
    if (!(milliseconds >= 0)) throw new RangeError(`a clock cannot advance by ${milliseconds} ms`);
    this.#wall += milliseconds;
    this.#elapsed += milliseconds;
    this.#wakeDue();
  }

  /** Sets the wall time alone, forward or back, as an operator or a time daemon would. No sleep notices. */
  setWall(epochMilliseconds: number): void {
    this.#wall = epochMilliseconds;
  }

  #wakeDue(): void {
    const due = this.#sleepers.filter((sleeper) => sleeper.until <= this.#elapsed);
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.until > this.#elapsed);
    for (const sleeper of due.sort((a, b) => a.until - b.until)) sleeper.wake();
  }
}
