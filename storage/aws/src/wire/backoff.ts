import type { RandomSource } from '@floecat/storage-spi';

import type { WireSettings } from '../aws-defaults.ts';

/** Exponential backoff with full jitter: random from 0 to a limit that doubles with each retry. Milliseconds. */
export function backoff(
  retry: number,
  throttled: boolean,
  settings: WireSettings,
  random: RandomSource,
): number {
  const base = throttled ? settings.throttleDelayMs : settings.baseDelayMs;
  return random.next() * Math.min(settings.maxDelayMs, base * 2 ** Math.min(retry, 30));
}
