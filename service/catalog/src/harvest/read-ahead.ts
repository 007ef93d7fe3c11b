/**
 * Runs `work` over `items` and yields the results in order, with up to `depth` under way. Whatever ends it, nothing
 * is under way any more once it has ended.
 */
export async function* readAhead<T, R>(
  items: readonly T[],
  depth: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const started: Promise<R>[] = [];
  let next = 0;
  try {
    for (;;) {
      while (next < items.length && started.length < depth) {
        const begun = work(items[next++] as T);
        // It is awaited in its turn; until then a failure is no unhandled rejection.
        begun.catch(() => undefined);
        started.push(begun);
      }
      const first = started.shift();
      if (!first) return;
      yield await first;
    }
  } finally {
    await Promise.allSettled(started);
  }
}
