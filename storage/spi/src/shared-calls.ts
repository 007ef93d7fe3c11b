interface SharedCall<T> {
  readonly result: Promise<T>;
  readonly abort: AbortController;
  waiting: number;
}

/**
 * Calls that several callers wait for: who asks for what is under way already gets that answer. Each may leave by its
 * own signal; the call itself is aborted once all have left.
 */
export class SharedCalls<T> {
  readonly #calls = new Map<string, SharedCall<T>>();

  /** How many are under way. */
  get size(): number {
    return this.#calls.size;
  }

  /** `leaving` makes the error of a caller that leaves from its signal's reason. */
  async run(
    key: string,
    signal: AbortSignal | undefined,
    leaving: (reason: unknown) => Error,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const call = this.#calls.get(key) ?? this.#begin(key, work);
    call.waiting++;
    const { promise: left, reject: leave } = Promise.withResolvers<never>();
    const onAbort = (): void => leave(leaving(signal?.reason));
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([call.result, left]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      if (--call.waiting === 0) this.#end(key, call);
    }
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<T>): SharedCall<T> {
    const abort = new AbortController();
    const result = work(abort.signal);
    const call = { result, abort, waiting: 0 };
    this.#calls.set(key, call);
    // Whoever waits is told; once nobody does, nobody has to be.
    result.catch(() => undefined).finally(() => this.#forget(key, call));
    return call;
  }

  #end(key: string, call: SharedCall<T>): void {
    this.#forget(key, call);
    call.abort.abort();
  }

  #forget(key: string, call: SharedCall<T>): void {
    if (this.#calls.get(key) === call) this.#calls.delete(key);
  }
}
