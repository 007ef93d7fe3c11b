import type { BlobStore, CallOptions, PointerStore, Storage } from '@floecat/storage-spi';

import type { RepositoryContext } from '../repository-context.ts';
import { retryOptions } from './retry-policy.ts';
import { runWithRetry } from './run-with-retry.ts';

type PointerRead = 'get' | 'getBatch' | 'listPointersByPrefix' | 'countByPrefix';
type BlobRead = 'get' | 'getBatch' | 'head';

const POINTER_READS: readonly PointerRead[] = ['get', 'getBatch', 'listPointersByPrefix', 'countByPrefix'];
const BLOB_READS: readonly BlobRead[] = ['get', 'getBatch', 'head'];

const retrying = new WeakSet<RepositoryContext>();

/**
 * The context as mutations use it: each of its reads is repeated as `floecat.retry.*` allows, so that a change that is
 * half done is not given up for a read that failed. Plain readers are told at once that a store is down.
 */
export function withRetriedReads(context: RepositoryContext): RepositoryContext {
  if (retrying.has(context)) return context;
  const { pointers, system, blobs, secrets, layout } = context.storage;
  const storage: Storage = {
    pointers: retried<PointerStore>(context, pointers, POINTER_READS),
    system,
    blobs: retried<BlobStore>(context, blobs, BLOB_READS),
    secrets,
    layout,
    close: () => context.storage.close(),
    [Symbol.asyncDispose]: () => context.storage.close(),
  };
  const derived = Object.freeze({ ...context, storage });
  retrying.add(derived);
  return derived;
}

type Read = (subject: unknown, options?: CallOptions) => Promise<unknown>;

function retried<S extends object>(
  context: RepositoryContext,
  store: S,
  reads: readonly (keyof S & string)[],
): S {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (!reads.some((read) => read === name)) return (member as () => unknown).bind(target);
      const read = (member as Read).bind(target);
      return (subject: unknown, options: CallOptions = {}) =>
        runWithRetry(
          context,
          { attempt: ({ signal }) => read(subject, { ...options, signal }) },
          retryOptions(context, options.signal ? { signal: options.signal } : {}),
        );
    },
  });
}
