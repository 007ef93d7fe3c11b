import type { Finding, PlanWriter, VerifyReport, VerifyScope } from '@floecat/recovery';
import { FINDINGS } from '@floecat/recovery';

import type { Output } from '../output.ts';
import { printable } from '../output.ts';

/** Prints findings as they come: for people, or as the parts of one JSON document. */
export class FindingPrinter {
  readonly #output: Output;
  readonly #signal: AbortSignal;
  #printed = 0;

  constructor(output: Output, signal: AbortSignal) {
    this.#output = output;
    this.#signal = signal;
  }

  begin(run: string, scope: VerifyScope): void {
    const { deep, sample, seed } = scope;
    if (this.#output.json) {
      this.#output.write(`{\n"run": ${JSON.stringify(run)},\n"findings": [`);
      return;
    }
    this.#output.line(`verification ${run}${deep ? ', reading every blob' : ''}`);
    if (sample < 1)
      this.#output.line(
        `sample: ${sample * 100}% of resources and names; the same again with --seed ${seed}`,
      );
  }

  async print(finding: Finding): Promise<void> {
    const output = this.#output;
    output.progress('');
    if (output.json) {
      output.write(`${this.#printed === 0 ? '\n' : ',\n'}${JSON.stringify(finding)}`);
    } else {
      const { severity, kind, key, uri, means, advice } = finding;
      output.line(`${severity} ${kind} ${printable(key)}`);
      if (uri !== undefined) output.line(`  ${printable(uri)}`);
      output.line(`  ${printable(means)}`);
      output.line(`  repair: ${printable(advice)}`);
    }
    this.#printed++;
    await output.isRead(this.#signal);
  }

  end(report: VerifyReport, plan: PlanWriter | undefined): void {
    const output = this.#output;
    if (output.json) {
      const more = plan ? { plan: { path: plan.path, lines: plan.lines } } : {};
      output.line(`\n],\n"report": ${JSON.stringify({ ...report, ...more })}\n}`);
      return;
    }
    const { counts, findings, severities } = report;
    output.fields([
      ['resources', counts.owners],
      ['names', counts.names],
      ['rows', counts.rows],
      ['blob versions', `${counts.versions} (${counts.versionBytes} bytes)`],
      ['blobs read', counts.blobsRead === 0 ? undefined : `${counts.blobsRead} (${counts.bytesRead} bytes)`],
      [
        'nothing reaches',
        `${counts.orphans} versions (${counts.orphanBytes} bytes); the collector takes them in its time`,
      ],
      ['expired records', counts.expiredRecords],
    ]);
    for (const [kind, count] of Object.entries(findings))
      output.line(`${count} ${kind}: ${FINDINGS[kind as keyof typeof FINDINGS][1]}`);
    const { error, warning, note } = severities;
    output.line(
      error + warning + note === 0
        ? 'all of it holds together'
        : `${error} errors, ${warning} warnings, ${note} notes`,
    );
    if (plan)
      output.line(
        plan.lines === 0
          ? `nothing to repair; ${plan.path} is empty`
          : `${plan.lines} lines in ${plan.path}: read them, set "apply" as you decide, then floecat verify --repair apply --plan ${plan.path}`,
      );
  }
}
