import { storeTime } from '@floecat/repository';
import type { CallOptions, Pointer, RandomSource, Storage } from '@floecat/storage-spi';
import { StorageCorruptionError, StoragePreconditionFailedError, systemRandom } from '@floecat/storage-spi';

import type { ChainReader } from './backup-reader.ts';
import { openBackup } from './backup-reader.ts';
import type { Registration } from './backup-row.ts';
import { BackupRow } from './backup-row.ts';
import type { BackupTarget } from './backup-target.ts';
import { SegmentCache } from './segment-cache.ts';

/** A backup whose row was not written for so long is nobody's any more. A walk writes it every few seconds. */
export const ABANDONED_AFTER_MS = 24 * 3_600_000;

/** What a registered backup holds, as the collectors ask for it: `KeptBackup` of `@floecat/gc`. */
export interface Kept {
  readonly id: string;
  /** Present while it is being written: nobody knows what it is going to hold, and both calls throw. */
  readonly unfinished?: {
    /** For people. */
    readonly why: string;
    /** Gives it up for good where nobody has written it for {@link ABANDONED_AFTER_MS}; answers whether it is. */
    end(options?: CallOptions): Promise<boolean>;
  };
  pointer(key: string, options?: CallOptions): Promise<Pointer | undefined>;
  pointers(prefix: string, after: string | undefined, options?: CallOptions): AsyncIterable<Pointer>;
}

export interface KeptBackupsConfig {
  readonly storage: Storage;
  /** Opens where a backup lies, as it is registered. */
  readonly openTarget: (location: string) => Promise<BackupTarget>;
  readonly random?: RandomSource;
}

/**
 * Reads registered backups for the collectors, again and again: what was opened stays open, since a complete backup never
 * changes. Close it once nobody collects any more.
 */
export class KeptBackups implements AsyncDisposable {
  readonly #storage: Storage;
  readonly #random: RandomSource;
  readonly #openTarget: (location: string) => Promise<BackupTarget>;
  readonly #targets = new Map<string, Promise<BackupTarget>>();
  readonly #readers = new Map<string, Promise<ChainReader>>();
  readonly #cache = new SegmentCache();

  constructor({ storage, openTarget, random = systemRandom }: KeptBackupsConfig) {
    this.#storage = storage;
    this.#random = random;
    this.#openTarget = openTarget;
  }

  /** What the backup that `registration` tells of holds: `ReadBackup` of `@floecat/gc`. */
  readonly read = async (registration: Pointer, options: CallOptions = {}): Promise<Kept> => {
    const row = BackupRow.of(this.#storage, this.#random, registration);
    const value = row.value as Registration;
    switch (value.state) {
      case 'complete':
        return this.#open(row.id, value, options);
      case 'writing':
        return unfinished(row.id, value, (call) => this.#giveUp(row, value, call));
      case 'abandoned':
      case 'removing':
        return nothing(row.id);
      default:
        throw new StorageCorruptionError(
          `the system row ${registration.key} has the state ${String(value.state)}, which this version does not know: use a newer one`,
          { operation: 'readBackup', key: registration.key },
        );
    }
  };

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await Promise.allSettled(this.#targets.values());
    for (const each of opened) if (each.status === 'fulfilled') await each.value[Symbol.asyncDispose]();
    this.#targets.clear();
    this.#readers.clear();
  }

  async #open(
    id: string,
    { location, manifestSha256 }: Registration,
    call: CallOptions,
  ): Promise<ChainReader> {
    const key = `${id} ${manifestSha256}`;
    const cache = this.#cache;
    return once(this.#readers, key, async () => {
      const target = await once(this.#targets, location, () => this.#openTarget(location));
      return openBackup(target, id, {
        ...(manifestSha256 !== undefined && { manifestSha256 }),
        cache,
        ...call,
      });
    });
  }

  /** From then on whoever writes the backup fails at its next save, so it never comes to hold anything. */
  async #giveUp(row: BackupRow, value: Registration, call: CallOptions): Promise<boolean> {
    if ((await storeTime(this.#storage, call)) - row.updatedAt < ABANDONED_AFTER_MS) return false;
    try {
      await row.save({ ...value, state: 'abandoned' }, call);
      return true;
    } catch (error) {
      // Somebody goes on with it.
      if (error instanceof StoragePreconditionFailedError) return false;
      throw error;
    }
  }
}

/** Of several callers one makes it; after a failure the next one tries again. */
function once<T>(made: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const held = made.get(key);
  if (held) return held;
  const making = make();
  made.set(key, making);
  making.catch(() => made.delete(key));
  return making;
}

function unfinished(
  id: string,
  { startedAt, pointers }: Registration,
  end: (options: CallOptions) => Promise<boolean>,
): Kept {
  const why = `backup ${id} is being written since ${new Date(startedAt).toISOString()} (${pointers} pointers so far)`;
  const refuse = (): never => {
    throw new StoragePreconditionFailedError(why, { operation: 'readBackup', key: id });
  };
  return {
    id,
    unfinished: { why, end: (options = {}) => end(options) },
    pointer: async () => refuse(),
    // oxlint-disable-next-line require-yield -- it only throws
    pointers: async function* () {
      refuse();
    },
  };
}

function nothing(id: string): Kept {
  return { id, pointer: async () => undefined, pointers: async function* () {} };
}
