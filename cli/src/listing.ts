import { stringifyJson } from '@floecat/catalog';
import type { Page, PageRequest } from '@floecat/repository';

import type { CommandContext } from './command-context.ts';
import { EXIT } from './exit-codes.ts';
import type { Cell, Output } from './output.ts';
import { Table } from './output.ts';
import type { PageOptions } from './paging.ts';
import { readPages } from './paging.ts';

/** How the items of a listing are shown. */
export interface Shown<T> {
  readonly header: readonly string[];
  readonly row: (item: T) => readonly Cell[];
  readonly empty: string;
  /** What each is as JSON; default: itself. */
  readonly json?: (item: T) => unknown;
}

/**
 * Prints a listing: a table for people, `{ "<what>": [...], "next-page-token": ... }` as JSON. Page by page as they come, so
 * that one of any length takes the memory of a page, and only as far as somebody reads it. What is damaged is told, and
 * the command then ends with {@link EXIT}.incomplete.
 */
export async function printListing<T>(
  context: CommandContext,
  what: string,
  options: PageOptions,
  read: (request: PageRequest) => Promise<Page<T>>,
  shown: Shown<T>,
): Promise<void> {
  const { output, io } = context;
  const printer = output.json ? new JsonListing(output, what, shown) : new TableListing(output, shown);
  let nextPageToken: string | undefined;
  for await (const page of readPages(options, io.signal, read)) {
    printer.add(page.items);
    tellDamaged(context, page);
    if (!(await output.isRead(io.signal))) return;
    ({ nextPageToken } = page);
  }
  printer.end(nextPageToken);
}

class JsonListing<T> {
  readonly #output: Output;
  readonly #json: (item: T) => unknown;
  readonly #head: string;
  #count = 0;

  constructor(output: Output, what: string, { json = (item) => item }: Shown<T>) {
    this.#output = output;
    this.#json = json;
    this.#head = `{\n  ${JSON.stringify(what)}: [`;
  }

  add(items: readonly T[]): void {
    for (const item of items) {
      const text = stringifyJson(this.#json(item), 2).replaceAll('\n', '\n    ');
      this.#output.write(`${this.#count++ === 0 ? this.#head : ','}\n    ${text}`);
    }
  }

  end(nextPageToken: string | undefined): void {
    const list = this.#count === 0 ? `${this.#head}]` : '\n  ]';
    this.#output.line(`${list},\n  "next-page-token": ${JSON.stringify(nextPageToken ?? null)}\n}`);
  }
}

class TableListing<T> {
  readonly #output: Output;
  readonly #shown: Shown<T>;
  readonly #table: Table;
  #isEmpty = true;

  constructor(output: Output, shown: Shown<T>) {
    this.#output = output;
    this.#shown = shown;
    this.#table = new Table(output, shown.header);
  }

  add(items: readonly T[]): void {
    if (items.length === 0) return;
    this.#isEmpty = false;
    this.#table.add(items.map(this.#shown.row));
  }

  end(nextPageToken: string | undefined): void {
    if (this.#isEmpty) this.#output.line(this.#shown.empty);
    if (nextPageToken !== undefined) this.#output.line(`more: --page-token ${nextPageToken}`);
  }
}

function tellDamaged(context: CommandContext, { damaged = [] }: Page<unknown>): void {
  for (const { key, cause } of damaged) context.output.note(`damaged: ${key}: ${cause.message}`);
  if (damaged.length > 0) context.exitCode = EXIT.incomplete;
}

/** Epoch milliseconds for people. */
export function isoTime(ms: bigint | number): string {
  const date = new Date(Number(ms));
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}
