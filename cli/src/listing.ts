import type { Page } from '@floecat/repository';

import type { CommandContext } from './command-context.ts';
import { EXIT } from './exit-codes.ts';
import type { Cell, Output } from './output.ts';

/** Prints a listing: a table for people, `{ "<what>": [...], "next-page-token": ... }` as JSON. */
export function listing<T>(
  output: Output,
  what: string,
  items: readonly T[],
  nextPageToken: string | undefined,
  human: {
    readonly header: readonly string[];
    readonly row: (item: T) => readonly Cell[];
    readonly empty: string;
  },
): void {
  output.answer({ [what]: items, 'next-page-token': nextPageToken ?? null }, () => {
    output.table(human.header, items.map(human.row), human.empty);
    if (nextPageToken !== undefined) output.line(`more: --page-token ${nextPageToken}`);
  });
}

/** Tells what of a listing is damaged and so not in it; the command then ends with {@link EXIT}.incomplete. */
export function tellDamaged(context: CommandContext, { damaged = [] }: Page<unknown>): void {
  for (const { key, cause } of damaged) context.output.note(`damaged: ${key}: ${cause.message}`);
  if (damaged.length > 0) context.exitCode = EXIT.incomplete;
}

/** Epoch milliseconds for people. */
export function isoTime(ms: bigint | number): string {
  const date = new Date(Number(ms));
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}
