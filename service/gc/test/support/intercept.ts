import type { BlobStore, PointerStore, Storage } from '@floecat/storage-spi';

type Methods<T> = { [K in keyof T]?: T[K] };

/** The storage with some methods replaced; each replacement gets the real store to call. */
export function intercept(
  storage: Storage,
  replaced: {
    readonly pointers?: (real: PointerStore) => Methods<PointerStore>;
    readonly system?: (real: PointerStore) => Methods<PointerStore>;
    readonly blobs?: (real: BlobStore) => Methods<BlobStore>;
  },
): Storage {
  return {
    ...storage,
    pointers: over(storage.pointers, replaced.pointers?.(storage.pointers)),
    system: over(storage.system, replaced.system?.(storage.system)),
    blobs: over(storage.blobs, replaced.blobs?.(storage.blobs)),
    close: () => storage.close(),
    [Symbol.asyncDispose]: () => storage.close(),
  };
}

function over<T extends object>(real: T, methods: Methods<T> = {}): T {
  return new Proxy(real, {
    get(target, name) {
      const own = Reflect.get(methods, name) as unknown;
      if (own !== undefined) return own;
      const member = Reflect.get(target, name, target) as unknown;
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

/** Every call of the stores passes through `before`, which may throw. */
export function onEveryCall(storage: Storage, before: (name: string) => void): Storage {
  const watched = <T extends object>(store: string, real: T): T =>
    new Proxy(real, {
      get(target, name) {
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]): Promise<unknown> => {
          before(`${store}.${String(name)}`);
          return await (member.apply(target, args) as Promise<unknown>);
        };
      },
    });
  return {
    ...storage,
    pointers: watched('pointers', storage.pointers),
    system: watched('system', storage.system),
    blobs: watched('blobs', storage.blobs),
    close: () => storage.close(),
    [Symbol.asyncDispose]: () => storage.close(),
  };
}

/** The stores, on whose every call `decide` decides, the system rows' included. */
export function throughEveryCall(
  storage: Storage,
  decide: (
    call: { readonly name: string; readonly args: readonly unknown[] },
    proceed: () => Promise<unknown>,
  ) => Promise<unknown>,
): Storage {
  const through = <T extends object>(store: string, real: T): T =>
    new Proxy(real, {
      get(target, name) {
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): Promise<unknown> =>
          decide(
            { name: `${store}.${String(name)}`, args },
            async () => member.apply(target, args) as unknown,
          );
      },
    });
  return {
    ...storage,
    pointers: through('pointers', storage.pointers),
    system: through('system', storage.system),
    blobs: through('blobs', storage.blobs),
    close: () => storage.close(),
    [Symbol.asyncDispose]: () => storage.close(),
  };
}
