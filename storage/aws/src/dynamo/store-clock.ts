import type { Clock } from '@floecat/storage-spi';

/**
 * The store's time: our clock, corrected by the least that agrees with the `Date` of its answers. That header has
 * whole seconds, so an answer tells the difference only within a second and the time that the request took.
 */
export class StoreClock {
  readonly #clock: Clock;
  #offset = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Epoch ms, by the store. */
  now(): number {
    return this.#clock.now() + this.#offset;
  }

  /** By what ours is corrected, ms. */
  get offset(): number {
    return this.#offset;
  }

  /** Learns from an answer dated `answeredAt` to a request that was sent at `sentAt` by our clock. */
  observe(answeredAt: number | undefined, sentAt: number): void {
    if (answeredAt === undefined) return;
    // The service stamped it at some moment of that second, between our sending and now.
    const least = answeredAt - this.#clock.now();
    const most = answeredAt + 999 - sentAt;
    if (least > most) return;
    this.#offset = Math.min(Math.max(this.#offset, least), most);
  }
}
