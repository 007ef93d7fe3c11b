import { GC_CLOCK_KEY } from '@floecat/repository';

import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';

const ATTEMPTS = 10;

/** The pointer store's time, epoch ms, as a write of a row tells it. */
export async function storeTime(context: Pick<GcContext, 'storage' | 'signal'>): Promise<number> {
  const { system } = context.storage;
  let seen = await system.get(GC_CLOCK_KEY, callOf(context));
  for (let attempt = 1; ; attempt++) {
    const result = await system.compareAndSet(
      GC_CLOCK_KEY,
      seen ?? 0,
      { kind: 'value', value: '' },
      callOf(context),
    );
    if (result.applied) return result.pointer.updatedAt;
    // Another process wrote it in this moment.
    if (result.current && attempt === ATTEMPTS) return result.current.updatedAt;
    seen = result.current;
  }
}
