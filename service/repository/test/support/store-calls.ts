import type { BlobStore, PointerStore, Storage } from '@floecat/storage-spi';

/** One call of a store, before it is made. */
export interface StoreCall {
  /** Such as `pointers.compareAndSetBatch`. */
  readonly name: string;
  readonly args: readonly unknown[];
}

/** Decides what becomes of a call: usually `proceed()`, sooner or later. */
export type Interception = (call: StoreCall, proceed: () => Promise<unknown>) => Promise<unknown>;

/** The stores, whose every call on pointers and blobs goes through `intercept`. */
export function interceptCalls(storage: Storage, intercept: Interception): Storage {
  const { system, secrets, layout } = storage;
  return {
    pointers: intercepted<PointerStore>('pointers', storage.pointers, intercept),
    system,
    blobs: intercepted<BlobStore>('blobs', storage.blobs, intercept),
    secrets,
    layout,
    close: () => storage.close(),
    [Symbol.asyncDispose]: () => storage.close(),
  };
}

function intercepted<S extends object>(what: string, store: S, intercept: Interception): S {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) =>
        intercept({ name: `${what}.${String(name)}`, args }, async () =>
          (member as (...all: unknown[]) => unknown).apply(target, args),
        );
    },
  });
}

/** Runs `work` ahead of the first call that `matches`, once. */
export function aheadOf(matches: (call: StoreCall) => boolean, work: () => Promise<unknown>): Interception {
  let done = false;
  return async (call, proceed) => {
    if (!done && matches(call)) {
      done = true;
      await work();
    }
    return proceed();
  };
}

export function isCommit({ name }: StoreCall): boolean {
  return name === 'pointers.compareAndSetBatch';
}
