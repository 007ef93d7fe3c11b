import { backupKey, BACKUPS_PREFIX, GC_CLOCK_KEY } from '@floecat/repository';
import type { CallOptions, Pointer, RandomSource, Storage } from '@floecat/storage-spi';
import {
  lastSegment,
  StorageMisconfiguredError,
  StoragePreconditionFailedError,
  StorageUnknownOutcomeError,
} from '@floecat/storage-spi';

const FORMAT = 1;
const CLOCK_ATTEMPTS = 10;

/** What the system row of a backup says. */
export interface Registration {
  /** Of its target. */
  readonly location: string;
  readonly state:
    | 'writing'
    | 'complete'
    /** Its files are being deleted. */
    | 'removing';
  /** Id of the backup that it builds on. */
  readonly since?: string;
  /** Epoch ms, by the store's clock. */
  readonly startedAt: number;
  readonly endedAt?: number;
  /** Pointers that the walk has met. */
  readonly pointers: number;
  readonly bytes: number;
  /** While it is written: how far it is. */
  readonly progress?: BackupProgress;
  /** Once it is complete. */
  readonly manifestSha256?: string;
}

export interface BackupProgress {
  /** The first 16 digits of the SHA-256 of each segment that is stored. */
  readonly segments: readonly string[];
  /** The last key that they account for; absent at the beginning. */
  readonly after?: string;
  /** Nothing follows. */
  readonly walked: boolean;
}

/**
 * The system row of one backup. Each write compares the row as it was read or written before, so of two processes that
 * write the same backup one learns at its next save that it does not any more.
 */
export class BackupRow {
  readonly id: string;
  readonly #storage: Storage;
  readonly #random: RandomSource;
  #pointer: Pointer | undefined;
  #value: Registration | undefined;

  private constructor(storage: Storage, random: RandomSource, id: string, pointer: Pointer | undefined) {
    this.id = id;
    this.#storage = storage;
    this.#random = random;
    this.#pointer = pointer;
    this.#value = pointer && parseRegistration(pointer);
  }

  static async read(
    storage: Storage,
    random: RandomSource,
    id: string,
    options: CallOptions,
  ): Promise<BackupRow> {
    return new BackupRow(storage, random, id, await storage.system.get(backupKey(id), options));
  }

  /** Every registered backup, by id and so by time. */
  static async readAll(storage: Storage, random: RandomSource, options: CallOptions): Promise<BackupRow[]> {
    const rows: BackupRow[] = [];
    let pageToken: string | undefined;
    do {
      const page = await storage.system.listPointersByPrefix(BACKUPS_PREFIX, {
        ...options,
        ...(pageToken !== undefined && { pageToken }),
      });
      for (const row of page.pointers) rows.push(new BackupRow(storage, random, lastSegment(row.key), row));
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return rows;
  }

  get value(): Registration | undefined {
    return this.#value;
  }

  /** Epoch ms, by the store's clock: when it was written last. */
  get updatedAt(): number {
    return this.#pointer?.updatedAt ?? 0;
  }

  async save(value: Registration, options: CallOptions): Promise<void> {
    const { system } = this.#storage;
    const key = backupKey(this.id);
    const writeId = this.#random.uuid();
    const next = { kind: 'value', value: JSON.stringify({ format: FORMAT, ...value }) } as const;
    let pointer: Pointer | undefined;
    try {
      const result = await system.compareAndSet(key, this.#pointer ?? 0, next, { writeId, ...options });
      if (result.applied) ({ pointer } = result);
    } catch (error) {
      if (!(error instanceof StorageUnknownOutcomeError) || options.signal?.aborted) throw error;
      pointer = await system.get(key, options);
      if (pointer?.writeId !== writeId) throw error;
    }
    if (!pointer) throw superseded(this.id, key);
    this.#pointer = pointer;
    this.#value = value;
  }

  /** Removes the row. */
  async clear(options: CallOptions): Promise<void> {
    if (!this.#pointer) return;
    const { key } = this.#pointer;
    const result = await this.#storage.system.compareAndDelete(key, this.#pointer, options);
    if (!result.applied && result.current) throw superseded(this.id, key);
    this.#pointer = undefined;
    this.#value = undefined;
  }
}

/** Throws `StorageMisconfiguredError` for the row of a newer version. */
export function parseRegistration(row: Pointer): Registration {
  const { format, ...value } = JSON.parse(row.kind === 'value' ? row.value : '{}') as Registration & {
    readonly format?: number;
  };
  if (format === FORMAT) return value;
  throw new StorageMisconfiguredError(
    `the system row ${row.key} has format ${String(format)}, and this version reads ${FORMAT}: use a newer one`,
    { operation: 'backup', key: row.key },
  );
}

/** The pointer store's time, epoch ms, as a write of a row tells it. */
export async function storeTime({ system }: Storage, options: CallOptions): Promise<number> {
  let seen = await system.get(GC_CLOCK_KEY, options);
  for (let attempt = 1; ; attempt++) {
    const result = await system.compareAndSet(GC_CLOCK_KEY, seen ?? 0, { kind: 'value', value: '' }, options);
    if (result.applied) return result.pointer.updatedAt;
    // Another process wrote it in this moment.
    if (result.current && attempt === CLOCK_ATTEMPTS) return result.current.updatedAt;
    seen = result.current;
  }
}

function superseded(id: string, key: string): StoragePreconditionFailedError {
  return new StoragePreconditionFailedError(
    `another process has taken over backup ${id}: look at it with floecat backup ls`,
    { operation: 'backup', key },
  );
}
