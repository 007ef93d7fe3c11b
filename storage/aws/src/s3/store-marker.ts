import { createHash } from 'node:crypto';

import type { CallOptions, StoreLayout } from '@floecat/storage-spi';
import { STORAGE_FORMAT, StorageCorruptionError, StorageMisconfiguredError } from '@floecat/storage-spi';

import { isSdkError } from '../wire/index.ts';
import type { Bucket, S3Call } from './bucket.ts';
import { readBody } from './object-body.ts';
import { isAbsent } from './s3-errors.ts';

/** In the bucket, says which store and table its blobs belong to. Made before any blob. */
export type StoreMarker = Pick<StoreLayout, 'format' | 'storeId' | 'tableId' | 'epoch'>;

/** Relative to the key prefix. */
export const MARKER_NAME = '.floecat/store.json';

/** The marker object of one store in its bucket. */
export class StoreMarkerObject {
  readonly #bucket: Bucket;
  readonly #key: string;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
    this.#key = bucket.keyPrefix + MARKER_NAME;
  }

  /** The marker, or `undefined` where none was made. */
  async read(options: CallOptions = {}): Promise<StoreMarker | undefined> {
    return (await this.#read(options))?.marker;
  }

  /**
   * Makes the marker, if there is none, and answers the one that is there then. Of two that make it at the same time
   * both get the same answer.
   */
  async create(marker: StoreMarker, options: CallOptions = {}): Promise<StoreMarker> {
    if (await this.#put(marker, { IfNoneMatch: '*' }, options)) return marker;
    const made = await this.read(options);
    if (made) return made;
    throw this.#misconfigured('vanished while the store was opened; is another process deleting it?');
  }

  /**
   * Puts `next` in the place of `current`: the blobs belong to another table, or another epoch, from now on. Refused
   * with `StorageMisconfiguredError` where another process changed the marker since.
   */
  async replace(current: StoreMarker, next: StoreMarker, options: CallOptions = {}): Promise<void> {
    const found = await this.#read(options);
    const changed = 'was changed by another process meanwhile; look at it, and decide again';
    if (!found || !same(found.marker, current)) throw this.#misconfigured(changed);
    if (await this.#put(next, { IfMatch: found.etag }, options)) return;
    // An attempt whose answer was lost may have been the one that changed it.
    const now = await this.read(options);
    if (!now || !same(now, next)) throw this.#misconfigured(changed);
  }

  /** Throws `StorageMisconfiguredError` unless the bucket has the marker of exactly this store, table and epoch. */
  async check(own: StoreMarker, options: CallOptions = {}): Promise<void> {
    const found = await this.read(options);
    if (!found)
      throw this.#misconfigured(
        'does not exist, so this bucket belongs to no store; check bucket and key prefix, or join them with ' +
          'floecat bootstrap --adopt',
      );
    if (same(found, own)) return;
    throw this.#misconfigured(
      `names ${shown(found)}, but this table belongs to ${shown(own)}; check bucket, key prefix and table, or join ` +
        'them with floecat bootstrap --adopt',
    );
  }

  async #read({ signal }: CallOptions): Promise<{ marker: StoreMarker; etag: string } | undefined> {
    const call: S3Call = { operation: 'open', key: this.#key, action: 'GetObject', write: false, signal };
    return this.#bucket.send(call, async (s3, attempt) => {
      try {
        const answer = await s3.getObject(
          { Bucket: this.#bucket.name, Key: this.#key },
          { abortSignal: attempt.signal },
        );
        const bytes = await readBody(answer.Body, answer.ContentLength, attempt.signal);
        attempt.tally?.received(bytes.length);
        return { marker: this.#parsed(Buffer.from(bytes).toString('utf8')), etag: answer.ETag ?? '' };
      } catch (error) {
        if (isAbsent(error, undefined)) return undefined;
        throw error;
      }
    });
  }

  /** Whether it was put; false where the condition did not hold. */
  async #put(
    marker: StoreMarker,
    condition: { IfNoneMatch: '*' } | { IfMatch: string },
    { signal }: CallOptions,
  ): Promise<boolean> {
    const { format, storeId, tableId, epoch } = marker;
    const body = Buffer.from(
      JSON.stringify({ format, storeId, tableId, epoch }, undefined, 2) + '\n',
      'utf8',
    );
    const call: S3Call = { operation: 'open', key: this.#key, action: 'PutObject', write: true, signal };
    return this.#bucket.send(call, async (s3, attempt) => {
      attempt.tally?.sent(body.length);
      try {
        await s3.putObject(
          {
            Bucket: this.#bucket.name,
            Key: this.#key,
            Body: body,
            ContentType: 'application/json',
            ChecksumAlgorithm: 'SHA256',
            ChecksumSHA256: createHash('sha256').update(body).digest('base64'),
            ...condition,
          },
          { abortSignal: attempt.signal },
        );
        return true;
      } catch (error) {
        if (isSdkError(error, 'PreconditionFailed')) return false;
        // With If-Match, an object that is gone is not the one expected either.
        if ('IfMatch' in condition && isAbsent(error, undefined)) return false;
        throw error;
      }
    });
  }

  #parsed(text: string): StoreMarker {
    const where = `open: ${this.#key} in bucket ${this.#bucket.name}`;
    const context = { operation: 'open', key: this.#key };
    let marker: Partial<StoreMarker>;
    try {
      marker = JSON.parse(text) as Partial<StoreMarker>;
    } catch (cause) {
      throw new StorageCorruptionError(`${where} is not JSON; restore an older version of it`, {
        ...context,
        cause,
      });
    }
    const { format, storeId, tableId, epoch } = marker ?? {};
    if (typeof format === 'number' && format > STORAGE_FORMAT)
      throw new StorageMisconfiguredError(
        `${where} has storage format ${format}; this version reads up to ${STORAGE_FORMAT}: use a newer version`,
        context,
      );
    if (
      format !== STORAGE_FORMAT ||
      typeof storeId !== 'string' ||
      typeof tableId !== 'string' ||
      typeof epoch !== 'number'
    )
      throw new StorageCorruptionError(
        `${where} lacks format, storeId, tableId or epoch; restore an older version of it`,
        context,
      );
    return { format, storeId, tableId, epoch };
  }

  #misconfigured(why: string): StorageMisconfiguredError {
    return new StorageMisconfiguredError(`open: ${this.#key} in bucket ${this.#bucket.name} ${why}`, {
      operation: 'open',
      key: this.#key,
    });
  }
}

function same(a: StoreMarker, b: StoreMarker): boolean {
  return a.storeId === b.storeId && a.tableId === b.tableId && a.epoch === b.epoch;
}

function shown({ storeId, tableId, epoch }: StoreMarker): string {
  return `store ${storeId}, table ${tableId}, epoch ${epoch}`;
}
