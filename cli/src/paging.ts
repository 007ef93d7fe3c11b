import type { Page, PageRequest } from '@floecat/repository';
import { InvalidArgumentError } from '@floecat/storage-spi';
import type { Command } from 'commander';

export interface PageOptions {
  readonly limit?: string;
  readonly pageToken?: string;
}

/** The options of a listing command that ask for one page of it. */
export function pageOptions(command: Command): Command {
  return command
    .option('--limit <n>', 'rows of a page, 1 to 1,000 (default: all pages)')
    .option('--page-token <token>', 'continue after an earlier page');
}

/** One page where the caller asked for one, else all of them. */
export async function readListing<T>(
  options: PageOptions,
  signal: AbortSignal,
  read: (request: PageRequest) => Promise<Page<T>>,
): Promise<Page<T>> {
  const { limit, pageToken } = options;
  if (limit !== undefined && !/^[1-9]\d*$/.test(limit))
    throw new InvalidArgumentError(`--limit ${JSON.stringify(limit)} is not a whole number of 1 or more`);
  let page = await read({ signal, ...(limit && { limit: Number(limit) }), ...(pageToken && { pageToken }) });
  if (limit !== undefined) return page;
  const items = [...page.items];
  const damaged = [...(page.damaged ?? [])];
  while (page.nextPageToken !== undefined) {
    page = await read({ signal, pageToken: page.nextPageToken });
    items.push(...page.items);
    damaged.push(...(page.damaged ?? []));
  }
  return damaged.length > 0 ? { items, damaged } : { items };
}
