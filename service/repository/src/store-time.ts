import type { CallOptions, Storage } from '@floecat/storage-spi';

import { GC_CLOCK_KEY } from './system-keys.ts';

const ATTEMPTS = 10;

/** The pointer store's time, epoch ms, as a write of a row tells it. */
export async function storeTime(
  { system }: Pick<Storage, 'system'>,
  options: CallOptions = {},
): Promise<number> {
  let seen = await system.get(GC_CLOCK_KEY, options);
  for (let attempt = 1; ; attempt++) {
    const result = await system.compareAndSet(GC_CLOCK_KEY, seen ?? 0, { kind: 'value', value: '' }, options);
    if (result.applied) return result.pointer.updatedAt;
    // Another process wrote it in this moment.
    if (result.current && attempt === ATTEMPTS) return result.current.updatedAt;
    seen = result.current;
  }
}
