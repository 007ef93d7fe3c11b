import type { Clock, RandomSource, Storage } from '@floecat/storage-spi';
import { systemClock, systemRandom } from '@floecat/storage-spi';

import type { ReadBackup } from './backups.ts';
import { checkSettings } from './check-settings.ts';
import type { GcContext } from './gc-context.ts';
import { FULL_SAFETY } from './safety.ts';
import type { Safety } from './safety.ts';
import type { GcSettings } from './settings.ts';
import { storeTime } from './store-time.ts';

export interface GcOptions {
  /** Stops all work between two requests; what was done stands, the rest is for the next run. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly random?: RandomSource;
  /** Reads a registered backup. Without it, a store that has one is not collected. */
  readonly readBackup?: ReadBackup;
}

/** What a run stands on. Throws `InvalidArgumentError` for settings that cannot be meant. */
export async function gcContext(
  storage: Storage,
  settings: GcSettings,
  options: GcOptions = {},
  safety: Safety = FULL_SAFETY,
): Promise<GcContext> {
  const { signal, clock = systemClock, random = systemRandom, readBackup } = options;
  checkSettings(settings);
  const now = await storeTime({ storage, signal });
  return Object.freeze({
    storage,
    settings,
    clock,
    random,
    safety,
    readBackup,
    signal,
    now,
    run: random.uuid(),
    startsAnew: false,
  });
}
