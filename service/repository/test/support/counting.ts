import type { OnceResult } from '@floecat/repository';

import type { Repository } from './law-world.ts';

type Client = ReturnType<Repository['openRepositories']>;

// An interface would not count as JSON.
export type Counted = { readonly n: number };

/** Adds one to the number `name` of the catalog `lake`, once for each key; the result is what it came to. */
export function countOnce(
  repo: Repository,
  { context, catalogs }: Client,
  key: string,
  {
    name = 'n',
    fingerprint = name,
    signal,
  }: { name?: string; fingerprint?: string; signal?: AbortSignal } = {},
): Promise<OnceResult<Counted>> {
  return repo.runOnce<Counted>(
    context,
    { key, fingerprint },
    async (once) => {
      let n = 0;
      await catalogs.update(
        () => catalogs.require('lake'),
        ({ properties }) => {
          n = Number(properties[name] ?? '0') + 1;
          properties[name] = String(n);
        },
        { signal: once.signal, attempts: 10_000, also: async () => [await once.completing({ n })] },
      );
      return { n };
    },
    signal ? { signal } : {},
  );
}
