/**
 * For tests alone: nothing but the condition `floecat-source` resolves this entry. Collectors with a layer of their
 * safety taken out.
 */
import type { Storage } from '@floecat/storage-spi';

import type { CollectOptions, Collected } from './collect-once.ts';
import { collectWith } from './collect-once.ts';
import { gcContext } from './open-gc.ts';
import type { Safety, SafetyLayer } from './safety.ts';
import { FULL_SAFETY } from './safety.ts';
import type { GcSettings } from './settings.ts';

export type { Safety, SafetyLayer } from './safety.ts';

/** As `collectOnce`, without these layers. */
export async function collectUnsafely(
  storage: Storage,
  settings: GcSettings,
  options: CollectOptions & { readonly without: readonly SafetyLayer[] },
): Promise<Collected[]> {
  const safety: Safety = {
    ...FULL_SAFETY,
    ...Object.fromEntries(options.without.map((layer) => [layer, false])),
  };
  return collectWith(await gcContext(storage, settings, options, safety), options);
}
