import type { Pointer, RandomSource, WriteOptions } from '@floecat/storage-spi';
import { isExpired } from '@floecat/storage-spi';

import type { StoreClock } from './store-clock.ts';

/** When and under which id a write happens: once decided, the same in every attempt. */
export interface Moment {
  readonly writeId: string;
  /** Epoch ms by the store, and whole seconds of it. */
  readonly now: number;
  readonly seconds: number;
}

export function momentOf(clock: StoreClock, random: RandomSource, options?: WriteOptions): Moment {
  const now = clock.now();
  return { writeId: options?.writeId ?? random.uuid(), now, seconds: Math.floor(now / 1000) };
}

/** The row, unless its time is over. */
export function visible(row: Pointer | undefined, { now }: Moment): Pointer | undefined {
  return row && !isExpired(row, now) ? row : undefined;
}
