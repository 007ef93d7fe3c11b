import type { CaseResult, ContractCase } from './contract-case.ts';

/** A case that a server used in tests cannot pass for a defect of its own, which is no fault of the store. */
export interface ServerDefect {
  /** The case's whole name. */
  readonly case: string;
  /** What the server does wrong, as the run prints it. */
  readonly because: string;
  /** What the message of the case's error is like for that reason. Any other error fails the case. */
  readonly failsWith: RegExp;
}

/** The defect declared for this case, if any. */
export function defectOf({ name }: ContractCase, defects: readonly ServerDefect[]): ServerDefect | undefined {
  return defects.find((defect) => defect.case === name);
}

/**
 * Checks that a case of a declared defect failed as declared. Throws the case's own error where it failed otherwise,
 * and one of its own where the case passed, so that the list cannot outlive the defect.
 */
export function expectDefect(result: CaseResult, { because, failsWith }: ServerDefect): void {
  if (result.outcome === 'skipped') return;
  if (result.outcome === 'passed')
    throw new Error(
      `the server passes "${result.name}" now: take it off the list of its defects (${because})`,
    );
  const { error } = result;
  if (!failsWith.test(error instanceof Error ? error.message : String(error))) throw error;
}

/** Throws where a declared defect names no case, so that a renamed case does not slip off the list. */
export function checkDefects(defects: readonly ServerDefect[], cases: readonly ContractCase[]): void {
  const names = new Set(cases.map(({ name }) => name));
  const strays = defects.filter((defect) => !names.has(defect.case));
  if (strays.length > 0)
    throw new Error(`no such case: ${strays.map((defect) => JSON.stringify(defect.case)).join(', ')}`);
}
