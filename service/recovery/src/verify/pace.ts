import type { BlobStore, Clock, PointerStore, Storage } from '@floecat/storage-spi';

/** How fast the stores may be read; what is left out is unlimited. */
export interface Rate {
  /** Requests to the stores in a second; each key or URI of a batch counts as one. */
  readonly requestsPerSecond?: number;
  /** Bytes of blobs in a second. */
  readonly bytesPerSecond?: number;
}

/** Lets units through at a steady pace: whoever comes early waits for the place that is free next. */
export class Pacer {
  readonly #perSecond: number;
  readonly #clock: Clock;
  #next = 0;

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
  }

  async take(units: number, signal: AbortSignal | undefined): Promise<void> {
    const now = this.#clock.monotonic();
    const start = Math.max(now, this.#next);
    this.#next = start + (units * 1000) / this.#perSecond;
    if (start > now) await this.#clock.sleep(start - now, signal);
  }
}

/** The same stores, read no faster than `rate` allows. Writes go through at once. */
export function paceStorage(
  storage: Storage,
  rate: Rate,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal },
): Storage {
  const { requestsPerSecond, bytesPerSecond } = rate;
  if (requestsPerSecond === undefined && bytesPerSecond === undefined) return storage;
  const requests = requestsPerSecond === undefined ? undefined : new Pacer(requestsPerSecond, clock);
  const bytes = bytesPerSecond === undefined ? undefined : new Pacer(bytesPerSecond, clock);
  const before = async (subject: unknown): Promise<void> =>
    requests?.take(Array.isArray(subject) ? Math.max(1, subject.length) : 1, signal);
  const after = async (answer: unknown): Promise<void> => bytes?.take(bytesIn(answer), signal);
  return {
    ...storage,
    pointers: paced<PointerStore>(storage.pointers, POINTER_READS, before, undefined),
    blobs: paced<BlobStore>(storage.blobs, BLOB_READS, before, after),
    close: () => storage.close(),
    [Symbol.asyncDispose]: () => storage.close(),
  };
}

const POINTER_READS: readonly string[] = ['get', 'getBatch', 'listPointersByPrefix', 'countByPrefix'];
const BLOB_READS: readonly string[] = ['get', 'getBatch', 'head', 'list', 'listVersions'];

function paced<S extends object>(
  store: S,
  reads: readonly string[],
  before: (subject: unknown) => Promise<void>,
  after: ((answer: unknown) => Promise<void>) | undefined,
): S {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      const call = member.bind(target) as (...args: unknown[]) => Promise<unknown>;
      if (!reads.includes(String(name))) return call;
      return async (...args: unknown[]): Promise<unknown> => {
        await before(args[0]);
        const answer = await call(...args);
        await after?.(answer);
        return answer;
      };
    },
  });
}

function bytesIn(answer: unknown): number {
  if (Array.isArray(answer)) return answer.reduce<number>((sum, each) => sum + bytesIn(each), 0);
  const { bytes } = (answer ?? {}) as { readonly bytes?: unknown };
  return bytes instanceof Uint8Array ? bytes.length : 0;
}
