import { readFileSync } from 'node:fs';

/** Often enough that no segment of a backup passes unseen. */
const EVERY_MS = 20;

/** Megabytes that this process took at most. */
export interface PeakMemory {
  /** Of its own: heap, buffers, stacks. */
  readonly own: number;
  /** With it: pages of mapped files, such as that of the pointers, which the system takes back as it likes. */
  readonly withMapped: number;
}

/**
 * Watches the memory of this process from now on; answers what it came to. Only Linux tells the two apart; elsewhere both
 * are the larger one.
 */
export function watchMemory(): () => PeakMemory {
  let own = ownKilobytes() ?? 0;
  const timer = setInterval(() => (own = Math.max(own, ownKilobytes() ?? 0)), EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    own = Math.max(own, ownKilobytes() ?? 0);
    const withMapped = Math.round(process.resourceUsage().maxRSS / 1_024);
    return { own: own === 0 ? withMapped : Math.round(own / 1_024), withMapped };
  };
}

function ownKilobytes(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes);
}
