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

/** One page where the caller asked for one, else all of them, each once it is asked for. */
export async function* readPages<T>(
  { limit, pageToken }: PageOptions,
  signal: AbortSignal,
  read: (request: PageRequest) => Promise<Page<T>>,
): AsyncGenerator<Page<T>> {
  if (limit !== undefined && !/^[1-9]\d*$/.test(limit))
    throw new InvalidArgumentError(`--limit ${JSON.stringify(limit)} is not a whole number of 1 or more`);
  let page = await read({ signal, ...(limit && { limit: Number(limit) }), ...(pageToken && { pageToken }) });
  yield page;
  if (limit !== undefined) return;
  while (page.nextPageToken !== undefined) {
    page = await read({ signal, pageToken: page.nextPageToken });
    yield page;
  }
}
