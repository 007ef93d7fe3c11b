import { once } from 'node:events';

import { stringifyJson } from '@floecat/catalog';

import type { CliIo } from './cli-io.ts';

export type Cell = string | number | bigint | undefined;

/** Prints the same answer for people or, with `--json`, for scripts: one JSON document on standard output. */
export class Output {
  readonly #io: CliIo;
  readonly json: boolean;

  constructor(io: CliIo, json: boolean) {
    this.#io = io;
    this.json = json;
  }

  /** `value` as JSON, or what `human` prints. */
  answer(value: unknown, human: () => void): void {
    if (this.json) this.line(stringifyJson(value, 2));
    else human();
  }

  /** Whether whoever reads standard output still does; waits until it has taken what was written. */
  async isRead(signal: AbortSignal): Promise<boolean> {
    const { stdout } = this.#io;
    if (!stdout.writable) return false;
    if (!stdout.writableNeedDrain) return true;
    try {
      await once(stdout, 'drain', { signal });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') return false;
      throw error;
    }
  }

  line(text: string): void {
    this.write(text + '\n');
  }

  /** As it is, without an end of line. */
  write(text: string): void {
    this.#io.stdout.write(text);
  }

  /** Names and values, one a line. */
  fields(fields: readonly (readonly [name: string, value: Cell])[]): void {
    const width = Math.max(...fields.map(([name]) => name.length));
    for (const [name, value] of fields)
      if (value !== undefined) this.line(`${printable(name).padEnd(width)}  ${printable(String(value))}`);
  }

  /** Rows under a header; numbers are aligned to the right. Says so where there is nothing. */
  table(header: readonly string[], rows: readonly (readonly Cell[])[], empty: string): void {
    if (rows.length === 0) this.line(empty);
    else new Table(this, header).add(rows);
  }

  note(text: string): void {
    this.#io.stderr.write(text + '\n');
  }

  /** Shows `text` in place of the progress before it, where a person watches. */
  progress(text: string): void {
    if (this.#io.interactive && !this.json) this.#io.stderr.write(`\r\u001b[K${text}`);
  }
}

/** A table that is printed part by part. Columns only grow: what is printed already does not move. */
export class Table {
  readonly #output: Output;
  readonly #header: readonly string[];
  #columns: { width: number; readonly numeric: boolean }[] | undefined;

  constructor(output: Output, header: readonly string[]) {
    this.#output = output;
    this.#header = header;
  }

  add(rows: readonly (readonly Cell[])[]): void {
    const isFirst = this.#columns === undefined;
    const columns = (this.#columns ??= this.#header.map((title, i) => ({
      width: title.length,
      numeric: rows.every((row) => typeof row[i] !== 'string'),
    })));
    const cells = rows.map((row) => row.map((cell) => (cell === undefined ? '-' : printable(String(cell)))));
    for (const [i, column] of columns.entries())
      for (const row of cells) column.width = Math.max(column.width, row[i]?.length ?? 0);
    const format = (row: readonly string[]): string =>
      row
        .map((cell, i) => {
          const { width, numeric } = columns[i] ?? { width: 0, numeric: false };
          return numeric ? cell.padStart(width) : cell.padEnd(width);
        })
        .join('  ')
        .trimEnd();
    if (isFirst) this.#output.line(format(this.#header.map((title) => title.toUpperCase())));
    for (const row of cells) this.#output.line(format(row));
  }
}

// Control characters in stored names must not drive the terminal.
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this escapes
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => JSON.stringify(character).slice(1, -1));
}
