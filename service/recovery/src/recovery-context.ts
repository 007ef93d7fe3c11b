import type { CallOptions, Clock, RandomSource, Storage } from '@floecat/storage-spi';

/** What every part of recovery stands on. */
export interface RecoveryContext {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Stops all work between two requests; what was done stands, and another run goes on from there. */
  readonly signal?: AbortSignal;
  /** Told now and then how far it is. */
  readonly onProgress?: (progress: Progress) => void;
}

/** How far something long is. */
export interface Progress {
  /** What it does now, for people: such as `reading tables of account default`. */
  readonly phase: string;
  /** Of `unit`. */
  readonly done: number;
  /** Absent where nobody can know yet. */
  readonly total?: number;
  readonly unit: 'pointers' | 'owners' | 'blobs' | 'segments';
}

/** The options of every call that recovery makes. */
export function callOf({ signal }: Pick<RecoveryContext, 'signal'>): CallOptions {
  return signal ? { signal } : {};
}
