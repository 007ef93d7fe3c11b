import { backupKey, BACKUPS_PREFIX } from '@floecat/repository';
import type { BatchOperation, CallOptions, Pointer, RandomSource, Storage } from '@floecat/storage-spi';
import {
  lastSegment,
  StorageCorruptionError,
  StorageMisconfiguredError,
  StoragePreconditionFailedError,
  StorageUnknownOutcomeError,
} from '@floecat/storage-spi';

import { parseObject } from './backup-codec.ts';

const FORMAT = 1;

/** Where a registered backup stands. */
export type BackupState =
  /** Its walk is not over: `progress` says how far it is. */
  | 'writing'
  | 'complete'
  /** Given up before it was complete, for good: the collector goes on without it. */
  | 'abandoned'
  /** Its files are being deleted; it holds nothing any more. */
  | 'removing';

/** What the system row of a backup says. */
export interface Registration {
  /** Of its target. */
  readonly location: string;
  readonly state: BackupState;
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
  /** The first digits of the SHA-256 of each segment that is stored. */
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

  /** The row that a caller has read itself. */
  static of(storage: Storage, random: RandomSource, pointer: Pointer): BackupRow {
    return new BackupRow(storage, random, lastSegment(pointer.key), pointer);
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
      for (const row of page.pointers) rows.push(BackupRow.of(storage, random, row));
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
    await this.#write(value, [], options);
  }

  /**
   * As {@link save}, in one transaction with a write of `base` that changes nothing: so that whoever removes the base has
   * seen this row, or fails.
   */
  async saveOver(base: BackupRow, value: Registration, options: CallOptions): Promise<void> {
    const expected = base.#pointer;
    if (expected?.kind !== 'value') throw superseded(base.id, base.key);
    const next = { kind: 'value', value: expected.value } as const;
    await this.#write(value, [{ op: 'upsert', key: base.key, expected, next }], options);
  }

  get key(): string {
    return backupKey(this.id);
  }

  /** Removes the row. */
  async clear(options: CallOptions): Promise<void> {
    if (!this.#pointer) return;
    const { system } = this.#storage;
    try {
      const result = await system.compareAndDelete(this.key, this.#pointer, options);
      if (!result.applied && result.current) throw superseded(this.id, this.key);
    } catch (error) {
      if (!(error instanceof StorageUnknownOutcomeError) || options.signal?.aborted) throw error;
      if (await system.get(this.key, options)) throw error;
    }
    this.#pointer = undefined;
    this.#value = undefined;
  }

  async #write(value: Registration, more: readonly BatchOperation[], options: CallOptions): Promise<void> {
    const { system } = this.#storage;
    const { key } = this;
    const writeId = this.#random.uuid();
    const next = { kind: 'value', value: JSON.stringify({ format: FORMAT, ...value }) } as const;
    const own = { op: 'upsert', key, expected: this.#pointer ?? 0, next } as const;
    let pointer: Pointer | undefined;
    try {
      const result = await system.compareAndSetBatch([own, ...more], { writeId, ...options });
      if (result.applied) pointer = result.pointers[0];
    } catch (error) {
      if (!(error instanceof StorageUnknownOutcomeError) || options.signal?.aborted) throw error;
      pointer = await system.get(key, options);
      if (pointer?.writeId !== writeId) throw error;
    }
    if (!pointer) throw superseded(this.id, key);
    this.#pointer = pointer;
    this.#value = value;
  }
}

/** Throws `StorageMisconfiguredError` for the row of a newer version. */
function parseRegistration(row: Pointer): Registration {
  const fields = row.kind === 'value' ? parseObject(row.value) : undefined;
  if (!fields) throw unreadable(row.key);
  const { format, ...value } = fields;
  if (format === FORMAT) return value as unknown as Registration;
  throw new StorageMisconfiguredError(
    `the system row ${row.key} has format ${String(format)}, and this version reads ${FORMAT}: use a newer one`,
    { operation: 'backup', key: row.key },
  );
}

function unreadable(key: string): StorageCorruptionError {
  return new StorageCorruptionError(`the system row ${key} is not that of a backup: look at it by hand`, {
    operation: 'backup',
    key,
  });
}

function superseded(id: string, key: string): StoragePreconditionFailedError {
  return new StoragePreconditionFailedError(
    `backup ${id} was taken over, given up or removed by another process: see floecat backup ls`,
    { operation: 'backup', key },
  );
}
