import { storeTime as timeOf } from '@floecat/repository';

import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';

/** The pointer store's time, epoch ms. */
export function storeTime(context: Pick<GcContext, 'storage' | 'signal'>): Promise<number> {
  return timeOf(context.storage, callOf(context));
}
