/** A stream that comes in batches, with its next item in sight. Only between two batches there is anything to wait for. */
export class Lookahead<T> implements AsyncDisposable {
  readonly #source: AsyncIterator<readonly T[]>;
  #batch: readonly T[] = [];
  #at = 0;
  #ended = false;

  constructor(source: AsyncIterable<readonly T[]>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Whether {@link fill} has to be awaited before {@link head} is right. */
  get needsFill(): boolean {
    return this.#at >= this.#batch.length && !this.#ended;
  }

  /** The next item; `undefined` at the end. */
  get head(): T | undefined {
    return this.#batch[this.#at];
  }

  skip(): void {
    this.#at++;
  }

  async fill(): Promise<void> {
    while (this.needsFill) {
      const result = await this.#source.next();
      this.#at = 0;
      this.#batch = result.done ? [] : result.value;
      this.#ended = result.done === true;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source.return?.();
  }
}
