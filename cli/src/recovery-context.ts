import type { Progress, RecoveryContext } from '@floecat/recovery';
import type { Storage } from '@floecat/storage-spi';
import { systemClock, systemRandom } from '@floecat/storage-spi';

import type { CommandContext } from './command-context.ts';
import type { Output } from './output.ts';

/** More often nobody reads it. */
const SHOWN_EVERY_MS = 100;

/** What recovery stands on in a command. */
export function recoveryContext({ io, output }: CommandContext, storage: Storage): RecoveryContext {
  return {
    storage,
    clock: systemClock,
    random: systemRandom,
    signal: io.signal,
    onProgress: progressOn(output),
  };
}

/** Shows how far something is, where a person watches. `output.progress('')` takes it away in the end. */
export function progressOn(output: Output): (progress: Progress) => void {
  let shownAt = -Infinity;
  return ({ phase, done, total, unit }) => {
    const now = systemClock.monotonic();
    if (now - shownAt < SHOWN_EVERY_MS) return;
    shownAt = now;
    output.progress(`${phase}: ${done}${total === undefined ? '' : ` of ${total}`} ${unit}`);
  };
}
