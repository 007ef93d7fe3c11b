/** Runs work beside the caller, so much at a time; the first failure is thrown to whoever adds or waits next. */
export class Pool {
  readonly #limit: number;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly cause: unknown } | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Begins `work` once there is room. */
  async add(work: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#limit) await Promise.race(this.#running);
    if (this.#failure) throw this.#failure.cause;
    const run: Promise<void> = work()
      .catch((cause: unknown) => {
        this.#failure ??= { cause };
      })
      .finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Waits until nothing runs, whatever becomes of it. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Waits until nothing runs. */
  async drain(): Promise<void> {
    await this.settled();
    if (this.#failure) throw this.#failure.cause;
  }
}
