import type { CallOptions, Clock } from '@floecat/storage-spi';
import { PageTokens } from '@floecat/storage-spi';

import type { Wire } from '../wire/wire.ts';
import type { S3Call } from './bucket.ts';
import { Bucket } from './bucket.ts';
import { readBody } from './object-body.ts';
import { ObjectDeleter } from './object-deleter.ts';
import { keysOf, ObjectLister } from './object-lister.ts';
import { ObjectReader } from './object-reader.ts';
import { ObjectWriter } from './object-writer.ts';
import type { OpenS3Config } from './open-s3.ts';
import { openS3 } from './open-s3.ts';
import { isAbsent } from './s3-errors.ts';
import type { S3Service } from './s3-service.ts';
import type { S3Encryption } from './s3-settings.ts';
import { checkSettings } from './s3-settings.ts';

export interface S3ObjectFolderConfig {
  readonly s3: S3Service;
  readonly wire: Wire;
  readonly clock: Clock;
  readonly bucket: string;
  /** In front of every name. Empty, or ends in `/` and does not begin with it. */
  readonly keyPrefix: string;
  readonly encryption?: S3Encryption;
  /** Ends what was made for this folder. Default: nothing. */
  readonly close?: () => Promise<void>;
}

/**
 * Named files below one prefix of a bucket that is not the store's: written with a SHA-256 that S3 checks, read as they
 * are, since who wrote them there, or copied them, need not be this process. On a versioned bucket a put keeps what was
 * there before as a noncurrent version, and so does a delete.
 *
 * Errors are the wire's: `StorageMisconfiguredError` for a bucket that does not exist or is in another region,
 * `StorageAccessDeniedError` naming action and bucket, `StorageUnknownOutcomeError` for a put or delete that may have
 * been carried out; either can be done again.
 */
export class S3ObjectFolder implements AsyncDisposable {
  /** `s3://bucket/prefix`, without a slash at the end. */
  readonly location: string;
  readonly #bucket: Bucket;
  readonly #writer: ObjectWriter;
  readonly #deleter: ObjectDeleter;
  readonly #close: (() => Promise<void>) | undefined;

  /** Throws `InvalidArgumentError` for a bucket or prefix that S3 cannot have. */
  constructor({ s3, wire, clock, bucket, keyPrefix, encryption, close }: S3ObjectFolderConfig) {
    const settings = { bucket, keyPrefix, ...(encryption && { encryption }) };
    checkSettings(settings);
    this.location = `s3://${bucket}/${keyPrefix}`.replace(/\/$/, '');
    this.#bucket = new Bucket({ s3, wire, bucket, keyPrefix });
    this.#writer = new ObjectWriter(this.#bucket, new ObjectReader(this.#bucket), settings, clock);
    // Deletes one by one, so that neither a listing nor its tokens are used.
    const lister = new ObjectLister(this.#bucket, new PageTokens(''));
    this.#deleter = new ObjectDeleter(this.#bucket, lister, async () => {});
    this.#close = close;
  }

  /** At most 64 MiB; a reader sees all or none. */
  async put(name: string, bytes: Uint8Array, options: CallOptions = {}): Promise<void> {
    const contentType = 'application/octet-stream';
    const request = { operation: 'put', uri: `/${name}`, bytes, options: { contentType, ...options } };
    await this.#writer.put(request);
  }

  /** The whole file; `undefined` where there is none. */
  get(name: string, { signal }: CallOptions = {}): Promise<Uint8Array | undefined> {
    const { name: bucket } = this.#bucket;
    const key = this.#bucket.keyOf('get', `/${name}`);
    const call: S3Call = {
      operation: 'get',
      key: this.#pathOf(name),
      action: 'GetObject',
      write: false,
      signal,
    };
    return this.#bucket.send(call, async (s3, attempt) => {
      try {
        const answer = await s3.getObject({ Bucket: bucket, Key: key }, { abortSignal: attempt.signal });
        return await readBody(answer.Body, answer.ContentLength, attempt.signal);
      } catch (error) {
        if (isAbsent(error, undefined)) return undefined;
        throw error;
      }
    });
  }

  /** Names that begin with `prefix`, in UTF-8 order. Throws rather than answer a part of them as all. */
  async *list(prefix: string, { signal }: CallOptions = {}): AsyncGenerator<string> {
    const call: S3Call = {
      operation: 'list',
      key: this.#pathOf(prefix),
      action: 'ListBucket',
      write: false,
      signal,
    };
    const { name: bucket, keyPrefix } = this.#bucket;
    let token: string | undefined;
    do {
      const page = await this.#bucket.send(call, async (s3, attempt) => {
        const answer = await s3.listObjectsV2(
          {
            Bucket: bucket,
            Prefix: keyPrefix + prefix,
            EncodingType: 'url',
            ...(token !== undefined && { ContinuationToken: token }),
          },
          { abortSignal: attempt.signal },
        );
        const { keys, next } = keysOf(answer, token);
        return { names: keys.map((each) => each.slice(keyPrefix.length)), next };
      });
      yield* page.names;
      token = page.next;
    } while (token !== undefined);
  }

  /** Deleting nothing succeeds. */
  delete(name: string, { signal }: CallOptions = {}): Promise<void> {
    return this.#deleter.delete('delete', `/${name}`, { signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close?.();
  }

  #pathOf(name: string): string {
    return `${this.location}/${name}`;
  }
}

export type OpenS3ObjectFolderConfig = OpenS3Config &
  Pick<S3ObjectFolderConfig, 'bucket' | 'keyPrefix' | 'encryption'>;

/** A folder over clients of its own, which are ended with it. Makes no request. */
export function openS3ObjectFolder(config: OpenS3ObjectFolderConfig): S3ObjectFolder {
  const { bucket, keyPrefix, encryption } = config;
  return new S3ObjectFolder({ ...openS3(config), bucket, keyPrefix, ...(encryption && { encryption }) });
}
