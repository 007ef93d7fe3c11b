/** One side of a comparison: runs once and answers how many operations it did. */
export type Side = () => Promise<number>;

/** Milliseconds since some moment. */
export type Time = () => number;

export const wallTime: Time = () => performance.now();

/** What this process has used of its cores, in user and system mode, all threads together. */
export const cpuTime: Time = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

export interface Comparison {
  /** Operations a second, medians over the rounds. */
  readonly baseline: number;
  readonly ours: number;
  /** Median over the rounds of ours / baseline in the same round. */
  readonly ratio: number;
}

/**
 * Runs both sides in turn, so that whatever else the machine does meets both, after one round that does not count.
 * Every other round begins with the other side. Time is that of the clock on the wall unless another one is given.
 */
export async function compare(
  baseline: Side,
  ours: Side,
  rounds: number,
  time: Time = wallTime,
): Promise<Comparison> {
  const rates: { baseline: number; ours: number }[] = [];
  for (let round = 0; round <= rounds; round++) {
    const rate = { baseline: 0, ours: 0 };
    if (round % 2 === 0) rate.baseline = await rateOf(baseline, time);
    rate.ours = await rateOf(ours, time);
    if (round % 2 === 1) rate.baseline = await rateOf(baseline, time);
    if (round > 0) rates.push(rate);
  }
  return {
    baseline: median(rates.map((rate) => rate.baseline)),
    ours: median(rates.map((rate) => rate.ours)),
    ratio: median(rates.map((rate) => rate.ours / rate.baseline)),
  };
}

async function rateOf(side: Side, time: Time): Promise<number> {
  const began = time();
  const operations = await side();
  return operations / ((time() - began) / 1000);
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
