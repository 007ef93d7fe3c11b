import type { Clock } from '@floecat/storage-spi';

/** A share of time. Work looks at it between two steps, so that at least one step is done in each. */
export class Slice {
  readonly #clock: Clock;
  readonly #end: number;
  readonly #signal: AbortSignal | undefined;

  constructor(clock: Clock, milliseconds: number, signal?: AbortSignal) {
    this.#clock = clock;
    this.#end = clock.monotonic() + milliseconds;
    this.#signal = signal;
  }

  /** Whether it is used up, or all work is to stop. */
  get isOver(): boolean {
    return this.#signal?.aborted === true || this.#clock.monotonic() >= this.#end;
  }
}
