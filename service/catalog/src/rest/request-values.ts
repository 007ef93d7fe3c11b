import type { Page, PageRequest } from '@floecat/repository';
import { LEVEL_SEPARATOR } from '@floecat/repository';
import { InvalidArgumentError } from '@floecat/storage-spi';

/** Values of a query string as Fastify parses them: a repeated parameter is a list. */
export type Query = Readonly<Record<string, string | string[] | undefined>>;

export function queryValue(query: Query, name: string): string | undefined {
  const value = query[name];
  if (Array.isArray(value))
    throw new InvalidArgumentError(`query parameter ${name} is given ${value.length} times`);
  return value;
}

/** The levels of a namespace parameter, which the protocol joins by U+001F. */
export function namespaceLevels(parameter: string): string[] {
  const levels = parameter.split(LEVEL_SEPARATOR);
  if (levels.includes(''))
    throw new InvalidArgumentError('the namespace has an empty level: levels are joined by %1F');
  return levels;
}

/**
 * The page that a request asks for. As the protocol has it, no `pageToken` at all asks for everything, an empty one
 * for the first page.
 */
export function pageRequest(query: Query): { readonly everything: boolean; readonly request: PageRequest } {
  const token = queryValue(query, 'pageToken');
  const size = queryValue(query, 'pageSize');
  if (size !== undefined && !/^[1-9]\d*$/.test(size))
    throw new InvalidArgumentError(`pageSize ${JSON.stringify(size)} is not a whole number of 1 or more`);
  return {
    everything: token === undefined,
    request: {
      ...(size !== undefined && { limit: Number(size) }),
      ...(token && { pageToken: token }),
    },
  };
}

/** One page, or all of them where the client asked for no paging. */
export async function readPages<T>(
  query: Query,
  read: (request: PageRequest) => Promise<Page<T>>,
): Promise<{ items: readonly T[]; nextPageToken: string | null }> {
  const { everything, request } = pageRequest(query);
  if (!everything) {
    const page = await read(request);
    return { items: page.items, nextPageToken: page.nextPageToken ?? null };
  }
  const items: T[] = [];
  let pageToken: string | undefined;
  do {
    const page = await read(pageToken === undefined ? {} : { pageToken });
    for (const item of page.items) items.push(item);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return { items, nextPageToken: null };
}

export function snapshotIdOf(text: string): bigint {
  if (!/^\d{1,19}$/.test(text))
    throw new InvalidArgumentError(`snapshot id ${JSON.stringify(text)} is not a number`);
  return BigInt(text);
}
