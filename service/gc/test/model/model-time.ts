import type { Clock } from '@floecat/storage-spi';

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

const START = 1_700_000_000_000;
/** Sleeps from here on are deadlines; shorter ones are pauses between attempts, which the scheduler ends. */
const DEADLINE_MS = 30 * SECOND_MS;

/** The time of all: of the store, and, with a skew each, of the processes. */
export class ModelTime {
  #elapsed = 0;
  #set = 0;
  #highest = START;

  /** Of the store. */
  readonly store: Clock = {
    now: () => this.wall,
    monotonic: () => this.#elapsed,
    sleep: async () => undefined,
  };

  /** Epoch ms. */
  get wall(): number {
    return START + this.#elapsed + this.#set;
  }

  /** The latest time that the store ever told. */
  get highest(): number {
    return this.#highest;
  }

  get elapsed(): number {
    return this.#elapsed;
  }

  pass(milliseconds: number): void {
    this.#elapsed += milliseconds;
    this.#note();
  }

  /** Sets every wall clock, forward or back; no time passes. */
  set(milliseconds: number): void {
    this.#set += milliseconds;
    this.#note();
  }

  #note(): void {
    this.#highest = Math.max(this.#highest, this.wall);
  }
}

interface Timer {
  readonly due: number;
  readonly wake: () => void;
}

/** The clock of one process. Its deadlines do not pass by themselves: whoever moves time fires them. */
export class ProcessClock implements Clock {
  /** How far its wall clock is ahead of the store's, ms. */
  skew = 0;
  readonly #time: ModelTime;
  readonly #pause: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
  #timers: Timer[] = [];

  constructor(
    time: ModelTime,
    pause: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>,
  ) {
    this.#time = time;
    this.#pause = pause;
  }

  now(): number {
    return this.#time.wall + this.skew;
  }

  monotonic(): number {
    return this.#time.elapsed;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (milliseconds < DEADLINE_MS) return this.#pause(milliseconds, signal);
    return new Promise((resolve, reject) => {
      const abandon = (): void => {
        this.#timers = this.#timers.filter((other) => other !== timer);
        reject(signal?.reason as Error);
      };
      const wake = (): void => {
        signal?.removeEventListener('abort', abandon);
        resolve();
      };
      const timer = { due: this.#time.elapsed + milliseconds, wake };
      if (signal?.aborted) return reject(signal.reason as Error);
      this.#timers.push(timer);
      signal?.addEventListener('abort', abandon, { once: true });
    });
  }

  /** Whether deadlines have passed that were not fired yet. */
  get isLate(): boolean {
    return this.#timers.some(({ due }) => due <= this.#time.elapsed);
  }

  /** Whether deadlines have passed once so much more time has. */
  isLateIn(milliseconds: number): boolean {
    return this.#timers.some(({ due }) => due <= this.#time.elapsed + milliseconds);
  }

  /** Lets the deadlines that have passed take effect. */
  fire(): void {
    const due = this.#timers.filter((timer) => timer.due <= this.#time.elapsed);
    this.#timers = this.#timers.filter((timer) => timer.due > this.#time.elapsed);
    for (const timer of due) timer.wake();
  }

  /** The process died, its timers with it. */
  forget(): void {
    this.#timers = [];
  }
}
