/** What schedules came to, so that it can be seen that they did what they are for. */
export class Tally {
  schedules = 0;
  /** Calls that reached the stores, or were kept from it. */
  steps = 0;
  operations = 0;
  acknowledged = 0;
  reads = 0;
  faults = 0;
  /** Crashes, and callers that gave up. */
  ends = 0;
  late = 0;
  /** Runs of a collector. */
  runs = 0;
  /** Blob versions that collectors deleted while others were at work. */
  deleted = 0;
  /** Commits that came after a collector had taken their blobs, and that were made whole before they were acknowledged. */
  mended = 0;

  add(other: Tally): void {
    for (const name of Object.keys(other) as (keyof Tally)[])
      if (name !== 'add')
        (this as Record<string, unknown>)[name] = (this[name] as number) + (other[name] as number);
  }

  toString(): string {
    return Object.entries(this)
      .map(([name, count]) => `${String(count)} ${name}`)
      .join(', ');
  }
}
