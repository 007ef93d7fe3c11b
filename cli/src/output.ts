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

  line(text: string): void {
    this.#io.stdout.write(text + '\n');
  }

  /** Names and values, one a line. */
  fields(fields: readonly (readonly [name: string, value: Cell])[]): void {
    const width = Math.max(...fields.map(([name]) => name.length));
    for (const [name, value] of fields)
      if (value !== undefined) this.line(`${printable(name).padEnd(width)}  ${printable(String(value))}`);
  }

  /** Rows under a header; numbers are aligned to the right. Says so where there is nothing. */
  table(header: readonly string[], rows: readonly (readonly Cell[])[], empty: string): void {
    if (rows.length === 0) {
      this.line(empty);
      return;
    }
    const cells = rows.map((row) => row.map((cell) => (cell === undefined ? '-' : printable(String(cell)))));
    const widths = header.map((title, i) =>
      cells.reduce((widest, row) => Math.max(widest, row[i]?.length ?? 0), title.length),
    );
    const numeric = header.map((_, i) => rows.every((row) => typeof row[i] !== 'string'));
    const format = (row: readonly string[]): string =>
      row
        .map((cell, i) => (numeric[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
        .join('  ')
        .trimEnd();
    this.line(format(header.map((title) => title.toUpperCase())));
    for (const row of cells) this.line(format(row));
  }

  note(text: string): void {
    this.#io.stderr.write(text + '\n');
  }

  /** Shows `text` in place of the progress before it, where a person watches. */
  progress(text: string): void {
    if (this.#io.interactive && !this.json) this.#io.stderr.write(`\r\u001b[K${text}`);
  }
}

// Control characters in stored names must not drive the terminal.
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this escapes
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => JSON.stringify(character).slice(1, -1));
}
