import type { Comparison } from './measure.ts';

export interface Line {
  readonly what: string;
  /** What the baseline is, in a few words. */
  readonly baseline: string;
  readonly result: Comparison;
  /** Least ratio that is accepted; absent where there is no target. */
  readonly target?: number;
}

/** Prints one comparison and answers whether it met its target. */
export function report({ what, baseline, result, target }: Line): boolean {
  const met = target === undefined || result.ratio >= target;
  const verdict =
    target === undefined ? 'no target' : `target ${target.toFixed(2)}: ${met ? 'met' : 'MISSED'}`;
  print(
    `${what}: ours ${rate(result.ours)}, ${baseline} ${rate(result.baseline)}, ratio ${result.ratio.toFixed(2)} (${verdict})`,
  );
  return met;
}

/** As {@link report}, of what one operation costs instead of how many there are in a second. */
export function reportCost({
  what,
  baseline,
  result,
  most,
}: Omit<Line, 'target'> & {
  /** Greatest ratio of ours to the baseline that is accepted; absent where there is no target. */
  readonly most?: number;
}): boolean {
  const ratio = 1 / result.ratio;
  const met = most === undefined || ratio <= most;
  const verdict = most === undefined ? 'no target' : `target ${most.toFixed(2)}: ${met ? 'met' : 'MISSED'}`;
  print(
    `${what}: ours ${micros(result.ours)}, ${baseline} ${micros(result.baseline)}, ratio ${ratio.toFixed(3)} (${verdict})`,
  );
  return met;
}

export function print(line: string): void {
  process.stdout.write(line + '\n');
}

function rate(perSecond: number): string {
  const digits = perSecond >= 100 ? 0 : 1;
  return `${Number(perSecond.toFixed(digits)).toLocaleString('en-US')}/s`;
}

function micros(perSecond: number): string {
  return `${Math.round(1_000_000 / perSecond).toLocaleString('en-US')} µs`;
}

export function count(n: number): string {
  return n.toLocaleString('en-US');
}
