import { ownerOfBlob } from '@floecat/repository';
import type { Storage } from '@floecat/storage-spi';

import { explainBlob } from './explain-blob.ts';
import { explainPointer } from './explain-pointer.ts';
import type { GcExplanation } from './explanation.ts';
import type { GcOptions } from './open-gc.ts';
import { gcContext } from './open-gc.ts';
import type { GcSettings } from './settings.ts';

/** Why a blob (its URI) or a pointer (its key) is alive, or when it will go. Reads only. */
export async function explain(
  storage: Storage,
  settings: GcSettings,
  key: string,
  options: GcOptions = {},
): Promise<GcExplanation> {
  const context = await gcContext(storage, settings, options);
  const owner = ownerOfBlob(key);
  return owner ? explainBlob(context, key, owner) : explainPointer(context, key);
}
