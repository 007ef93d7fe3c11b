import type { WriteStream } from 'node:fs';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { finished } from 'node:stream/promises';

import type { OwnerOutcome, Problem, RecoveryReport } from '@floecat/recovery';

import type { Output } from './output.ts';

const SHOWN_PROBLEMS = 20;

/** What restore and rebuild answer, for people. */
export function showReport(output: Output, report: RecoveryReport): void {
  const { owners, rows, blobs, problems, problemCount, dryRun } = report;
  if (dryRun) output.line('nothing was changed; this is what would be done');
  const counts = Object.entries(owners).filter(([, count]) => count > 0);
  output.table(['outcome', 'owners'], counts, 'nothing was found to bring back');
  output.fields([
    ['canonical rows written', rows.canonical],
    ['names written', rows.names],
    ['records of idempotent runs', rows.records],
    ['blobs brought back', blobs.broughtBack],
    ['blobs put anew', blobs.putAnew],
  ]);
  if (problemCount === 0) {
    output.line('all that was acknowledged is there, as far as anything tells');
    return;
  }
  output.line('');
  for (const { kind, why } of problems.slice(0, SHOWN_PROBLEMS)) output.line(`${kind}: ${why}`);
  if (problemCount > SHOWN_PROBLEMS)
    output.line(`and ${problemCount - SHOWN_PROBLEMS} more: --report <file> writes all of them`);
}

/** What becomes of each owner, one JSON document a line. */
export class ReportFile implements AsyncDisposable {
  readonly #stream: WriteStream;

  private constructor(stream: WriteStream) {
    this.#stream = stream;
  }

  /** Throws where the file cannot be written. */
  static async create(path: string): Promise<ReportFile> {
    const handle = await open(path, 'w');
    await handle.close();
    return new ReportFile(createWriteStream(path));
  }

  add(line: OwnerOutcome | Problem): void {
    this.#stream.write(JSON.stringify(line) + '\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.end();
    await finished(this.#stream);
  }
}
