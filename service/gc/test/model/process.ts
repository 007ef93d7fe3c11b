import type { BlobStore, CallOptions, PointerStore, Storage } from '@floecat/storage-spi';
import { StorageAbortRetryableError, StorageUnknownOutcomeError } from '@floecat/storage-spi';

import type { ModelTime } from './model-time.ts';
import { ProcessClock } from './model-time.ts';

/** One call that a process made and that has not reached the store yet. */
export interface Call {
  readonly process: Process;
  /** Such as `blobs.put`. */
  readonly name: string;
  readonly args: readonly unknown[];
  readonly isWrite: boolean;
  /** Lets it happen. */
  readonly deliver: () => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** When it was made. */
  readonly madeAt: { readonly elapsed: number; readonly wall: number };
  /** It is a write of one who should only look. */
  readonly isForbidden: boolean;
  /** Its caller will never learn of it. */
  isAbandoned: boolean;
  /** Its caller has given up, and was told so. */
  isGone: boolean;
  /** Of one that has reached the store before its caller could learn of it. */
  outcome: PromiseSettledResult<unknown> | undefined;
}

/** What becomes of a write whose caller has gone. */
export type Fate = 'lost' | 'applied' | 'late';

const WRITES: ReadonlySet<string> = new Set([
  'compareAndSet',
  'compareAndDelete',
  'compareAndSetBatch',
  'deleteByPrefix',
  'importPointers',
  'put',
  'markLost',
  'delete',
  'deleteVersion',
  'deletePrefix',
]);

/** A process: what it asks of the stores waits in `calls` until the scheduler delivers it. */
export class Process {
  readonly name: string;
  readonly clock: ProcessClock;
  calls: Call[] = [];
  isStalled = false;
  /** Whether anything went wrong, as far as it can tell, in what it does now. */
  isDisturbed = false;
  /** Set while it may not write, but for the row that tells the store's time. */
  isReadOnly = false;
  /** Fires deadlines right after the next answer, instead of before it. */
  firesLater = false;
  /** Ends what it does now, if the process is alive. */
  abort: AbortController | undefined;
  #life = 0;
  #operation = 0;
  readonly #time: ModelTime;
  /** When it put the first blob of what it does now, by its own clock. */
  #firstPut: { readonly monotonic: number; readonly wall: number } | undefined;
  #death = Promise.withResolvers<'dead'>();

  constructor(name: string, time: ModelTime) {
    this.name = name;
    this.#time = time;
    this.clock = new ProcessClock(time, (milliseconds, signal) =>
      this.#request({
        name: 'clock.sleep',
        args: [{ signal }],
        isWrite: false,
        deliver: async () => time.pass(Math.ceil(milliseconds)),
      }).then(() => undefined),
    );
  }

  /** Counts what it was asked to do. */
  get operation(): number {
    return this.#operation;
  }

  /** A new operation begins. */
  begin(abort: AbortController): void {
    this.abort = abort;
    this.#operation++;
    this.isDisturbed = false;
    this.#firstPut = undefined;
  }

  /** Whether so much time has passed since it put the first blob of what it does now. */
  isSlowerThan(milliseconds: number): boolean {
    if (!this.#firstPut) return false;
    const { monotonic, wall } = this.#firstPut;
    return Math.max(this.clock.monotonic() - monotonic, this.clock.now() - wall) > milliseconds;
  }

  /** Ends with this life. */
  get death(): Promise<'dead'> {
    return this.#death.promise;
  }

  /** The process is gone, and everything it held in memory; what it had sent is left to the scheduler. */
  die(): Call[] {
    const left = this.calls;
    this.calls = [];
    for (const call of left) call.isAbandoned = true;
    this.abort = undefined;
    this.isReadOnly = false;
    this.firesLater = false;
    this.clock.forget();
    this.#life++;
    this.#death.resolve('dead');
    this.#death = Promise.withResolvers<'dead'>();
    return left;
  }

  /** The stores as this life of the process sees them. */
  connect(real: Storage): Storage {
    const { secrets, layout } = real;
    const life = this.#life;
    return {
      pointers: this.#remote<PointerStore>('pointers', real.pointers, life),
      system: this.#remote<PointerStore>('system', real.system, life),
      blobs: this.#remote<BlobStore>('blobs', real.blobs, life),
      secrets,
      layout,
      close: async () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  /** Waits until the scheduler comes to it. */
  wait(deliver: () => Promise<unknown>): Promise<unknown> {
    return this.#request({ name: 'clock.wait', args: [], isWrite: false, deliver });
  }

  #remote<S extends object>(store: string, real: S, life: number): S {
    return new Proxy(real, {
      get: (target, method) => {
        const member: unknown = Reflect.get(target, method, target);
        if (typeof member !== 'function') return member;
        const name = `${store}.${String(method)}`;
        return (...args: readonly unknown[]): Promise<unknown> => {
          // The dead ask for nothing.
          if (life !== this.#life) return new Promise(() => undefined);
          const deliver = async (): Promise<unknown> =>
            (member as (...all: readonly unknown[]) => unknown).apply(target, args.map(withoutSignal));
          return this.#request({ name, args, isWrite: WRITES.has(String(method)), deliver });
        };
      },
    });
  }

  #request(asked: Pick<Call, 'name' | 'args' | 'isWrite' | 'deliver'>): Promise<unknown> {
    const { name, args, isWrite } = asked;
    const signal = args.map(signalIn).find((found) => found !== undefined);
    const context = { operation: name };
    if (signal?.aborted) {
      if (name === 'clock.sleep') return Promise.reject(signal.reason as Error);
      return Promise.reject(new StorageAbortRetryableError(`${name}: aborted before it was sent`, context));
    }
    return new Promise((resolve, reject) => {
      const { elapsed, wall } = this.#time;
      const call: Call = {
        ...asked,
        process: this,
        resolve,
        reject,
        madeAt: { elapsed, wall },
        isForbidden: isWrite && this.isReadOnly,
        isAbandoned: false,
        isGone: false,
        outcome: undefined,
      };
      if (name === 'blobs.put') this.#firstPut ??= { monotonic: elapsed, wall: this.clock.now() };
      this.calls.push(call);
      signal?.addEventListener(
        'abort',
        () => {
          call.isAbandoned = true;
          call.isGone = true;
          if (name === 'clock.sleep') reject(signal.reason as Error);
          else if (isWrite) reject(new StorageUnknownOutcomeError(`${name}: aborted in flight`, context));
          else reject(new StorageAbortRetryableError(`${name}: aborted in flight`, context));
        },
        { once: true },
      );
    });
  }
}

function signalIn(arg: unknown): AbortSignal | undefined {
  return isOptions(arg) ? arg.signal : undefined;
}

function isOptions(arg: unknown): arg is CallOptions {
  return typeof arg === 'object' && arg !== null && 'signal' in arg;
}

/** The scheduler alone decides on what is aborted. */
function withoutSignal(arg: unknown): unknown {
  if (!isOptions(arg)) return arg;
  const { signal: _signal, ...rest } = arg;
  return rest;
}
