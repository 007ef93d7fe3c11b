import type { Finding, FindingKind, Severity } from './finding.ts';
import { FINDINGS } from './finding.ts';
import type { VerifyCounts, VerifyState } from './verify-state.ts';

/** Adds up what a run sees, and hands on its findings one after the other. */
export class Tally {
  readonly #counts: { -readonly [K in keyof VerifyCounts]: number };
  readonly #findings: Partial<Record<FindingKind, number>>;
  readonly #onFinding: (finding: Finding) => unknown;
  #handed: Promise<unknown> = Promise.resolve();

  constructor(
    { counts, findings }: Pick<VerifyState, 'counts' | 'findings'>,
    onFinding: (finding: Finding) => unknown,
  ) {
    this.#counts = { ...counts };
    this.#findings = { ...findings };
    this.#onFinding = onFinding;
  }

  get counts(): VerifyCounts {
    return { ...this.#counts };
  }

  get findings(): VerifyState['findings'] {
    return { ...this.#findings };
  }

  count(more: Partial<VerifyCounts>): void {
    for (const name in more)
      this.#counts[name as keyof VerifyCounts] += more[name as keyof VerifyCounts] ?? 0;
  }

  /** Resolves once whoever is told has taken it in. */
  async tell(finding: Finding): Promise<void> {
    this.#findings[finding.kind] = (this.#findings[finding.kind] ?? 0) + 1;
    this.#handed = this.#handed.then(() => this.#onFinding(finding));
    await this.#handed;
  }
}

export function severitiesOf(findings: VerifyState['findings']): Record<Severity, number> {
  const sums = { error: 0, warning: 0, note: 0 };
  for (const [kind, count] of Object.entries(findings)) sums[FINDINGS[kind as FindingKind][0]] += count;
  return sums;
}
