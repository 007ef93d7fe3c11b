/** One side of a comparison: runs once and answers how many operations it did. */
export type Side = () => Promise<number>;

export interface Comparison {
  /** Operations a second, medians over the rounds. */
  readonly baseline: number;
  readonly ours: number;
  /** Median over the rounds of ours / baseline in the same round. */
  readonly ratio: number;
}

/**
 * Runs both sides in turn, so that whatever else the machine does meets both, after one round that does not count.
 * Every other round begins with the other side.
 */
export async function compare(baseline: Side, ours: Side, rounds: number): Promise<Comparison> {
  const rates: { baseline: number; ours: number }[] = [];
  for (let round = 0; round <= rounds; round++) {
    const rate = { baseline: 0, ours: 0 };
    if (round % 2 === 0) rate.baseline = await rateOf(baseline);
    rate.ours = await rateOf(ours);
    if (round % 2 === 1) rate.baseline = await rateOf(baseline);
    if (round > 0) rates.push(rate);
  }
  return {
    baseline: median(rates.map((rate) => rate.baseline)),
    ours: median(rates.map((rate) => rate.ours)),
    ratio: median(rates.map((rate) => rate.ours / rate.baseline)),
  };
}

async function rateOf(side: Side): Promise<number> {
  const began = performance.now();
  const operations = await side();
  return operations / ((performance.now() - began) / 1000);
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
