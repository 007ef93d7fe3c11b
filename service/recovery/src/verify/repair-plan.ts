import type { Finding } from './finding.ts';
import type { Repair } from './repair.ts';
import { needsChoice } from './repair.ts';

export const PLAN_FORMAT = 'floecat-repair-plan/1';

/** The first line of a plan. */
export interface PlanHeader {
  readonly format: typeof PLAN_FORMAT;
  readonly storeId: string;
  readonly tableId: string;
  /** The verification that found all this. */
  readonly run: string;
  /** Epoch ms. */
  readonly createdAt: number;
}

/** One line of a plan for each finding that is more than a note. */
export interface PlanLine {
  /** Counts from 1. */
  readonly line: number;
  readonly kind: Finding['kind'];
  readonly severity: Finding['severity'];
  readonly key: string;
  readonly uri?: string;
  readonly means: string;
  readonly advice: string;
  /**
   * Whether it is applied. What gives up something acknowledged is `false` until a person sets it; `null` where there is
   * nothing to apply.
   */
  readonly apply: boolean | null;
  readonly repair?: Repair;
}

/** The line of a finding; `undefined` for a note, which a plan does not hold. */
export function planLine(finding: Finding, line: number): PlanLine | undefined {
  const { kind, severity, key, uri, means, advice, repair } = finding;
  if (severity === 'note') return undefined;
  const apply = repair ? !needsChoice(repair) : null;
  return {
    line,
    kind,
    severity,
    key,
    ...(uri !== undefined && { uri }),
    means,
    advice,
    apply,
    ...(repair && { repair }),
  };
}

/** What became of one repair. */
export interface RepairOutcome {
  readonly line: number;
  readonly do: Repair['do'];
  readonly outcome:
    /** Done now. */
    | 'repaired'
    /** Whole as it is: somebody did it, or an earlier run. */
    | 'already'
    /** What it is about is not as the plan saw it; nothing was changed. Verify again. */
    | 'changed'
    /** It could not be done; nothing was changed, or it is not known whether: apply again. */
    | 'failed';
  /** For people. */
  readonly because?: string;
  /** The key that was written or deleted, or the URI that was put. */
  readonly what: string;
  /** What it replaced, by which it can be taken back. */
  readonly was?: unknown;
  readonly now?: unknown;
  /** Epoch ms. */
  readonly at: number;
}

/** What became of a repair; line and time are added by whoever applies the plan. */
export type Applied = Pick<RepairOutcome, 'outcome' | 'what' | 'because' | 'was' | 'now'>;

/** What a repair does, in a sentence for people. */
export function describeRepair(repair: Repair): string {
  switch (repair.do) {
    case 'rescue-blob':
      return `put version ${repair.versionId} (${repair.size} bytes) of ${repair.uri} anew`;
    case 'add-name':
      return `write the name ${repair.name}, leading to ${repair.id}`;
    case 'delete-name':
      return `delete the name ${repair.row.key}`;
    case 'roll-back':
      return `roll ${repair.owner.key} back to what it was at version ${repair.to.version}, of ${new Date(repair.to.timeMs).toISOString()}, as its version ${repair.owner.version + 1}`;
    case 'bury-again':
      return `write the tombstone of ${repair.owner.key} anew`;
  }
}
