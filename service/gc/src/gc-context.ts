import type { CallOptions, Clock, RandomSource, Storage } from '@floecat/storage-spi';

import type { ReadBackup } from './backups.ts';
import type { Safety } from './safety.ts';
import type { GcSettings } from './settings.ts';

/** What every collector stands on. */
export interface GcContext {
  readonly storage: Storage;
  readonly settings: GcSettings;
  /** Measures slices and pauses. No age is told by it: those are told by the stores' clocks. */
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly safety: Safety;
  /** Reads a registered backup. Without it, a store that has one is not collected. */
  readonly readBackup: ReadBackup | undefined;
  readonly signal: AbortSignal | undefined;
  /**
   * Epoch ms, by the pointer store's clock: when the run began. The ages of rows are told by it; those of blobs by the
   * blob store's clock.
   */
  readonly now: number;
  /** Tells this run from all others. */
  readonly run: string;
  /** Whether it makes a pass of its own also where it first had to finish one that another run began. */
  readonly startsAnew: boolean;
}

/** The options of every call that a collector makes. */
export function callOf({ signal }: Pick<GcContext, 'signal'>): CallOptions {
  return signal ? { signal } : {};
}
