import type { CallOptions } from '@floecat/storage-spi';
import { InvalidArgumentError, MAX_KEY_BYTES, StorageNotFoundError, utf8Length } from '@floecat/storage-spi';

import type { Wire } from '../wire/wire.ts';
import type { S3Call } from './bucket.ts';
import { Bucket } from './bucket.ts';
import { discardBody, OversizedBodyError, readBody } from './object-body.ts';
import { keysOf } from './object-lister.ts';
import type { OpenS3Config } from './open-s3.ts';
import { openS3 } from './open-s3.ts';
import { classifyForeign, isAbsent } from './s3-errors.ts';
import type { S3Service } from './s3-service.ts';

export interface S3ObjectSourceConfig {
  readonly s3: S3Service;
  readonly wire: Wire;
  /** Ends what was made for this source. Default: nothing. */
  readonly close?: () => Promise<void>;
}

/**
 * Reads objects of any bucket as they are, whoever put them there. Nothing is known of their digests; that a body is
 * whole is told by its length. Never writes.
 *
 * Errors beside the wire's: `InvalidArgumentError` for a bucket or key that S3 cannot have, `StorageMisconfiguredError`
 * for a bucket that does not exist or is in another region, `StorageAccessDeniedError` naming action and bucket.
 */
export class S3ObjectSource implements AsyncDisposable {
  readonly #config: S3ObjectSourceConfig;

  constructor(config: S3ObjectSourceConfig) {
    this.#config = config;
  }

  /**
   * The whole object. Throws `StorageNotFoundError` where there is none, and `InvalidArgumentError` where it is larger
   * than `maxBytes`, then without reading it. A body that is cut short on its way is asked for again.
   */
  async read(
    bucket: string,
    key: string,
    { maxBytes, signal }: CallOptions & { readonly maxBytes: number },
  ): Promise<Uint8Array> {
    const uri = `s3://${bucket}/${key}`;
    checkNames('read', bucket, key);
    if (key === '') throw refused('read', uri, 'names a bucket, not an object in it');
    const call: S3Call = { operation: 'read', key: uri, action: 'GetObject', write: false, signal };
    return this.#send(bucket, call, async (s3, attempt) => {
      try {
        const answer = await s3.getObject({ Bucket: bucket, Key: key }, { abortSignal: attempt.signal });
        const length = answer.ContentLength;
        if (length !== undefined && length > maxBytes) {
          discardBody(answer.Body);
          throw refused('read', uri, `is ${length} bytes; the limit is ${maxBytes}`);
        }
        return await readBody(answer.Body, length, attempt.signal, maxBytes);
      } catch (error) {
        if (error instanceof OversizedBodyError)
          throw refused('read', uri, `is more than ${maxBytes} bytes, which is the limit`);
        if (isAbsent(error, undefined))
          throw new StorageNotFoundError(
            `read ${JSON.stringify(uri)}: there is no such object; check the location`,
            { operation: 'read', key: uri, cause: error },
          );
        throw error;
      }
    });
  }

  /**
   * What follows `prefix` in the keys of the objects directly there, up to the next `/`; in the order of the keys. The
   * prefix is empty or ends in `/`. A listing that fails on its way throws: what was answered so far is not all.
   */
  async *list(bucket: string, prefix: string, { signal }: CallOptions = {}): AsyncGenerator<string> {
    checkNames('list', bucket, prefix);
    const key = `s3://${bucket}/${prefix}`;
    if (prefix !== '' && !prefix.endsWith('/')) throw refused('list', key, 'must end in /');
    const call: S3Call = { operation: 'list', key, action: 'ListBucket', write: false, signal };
    let token: string | undefined;
    do {
      const page = await this.#page(bucket, prefix, call, token);
      yield* page.names;
      token = page.next;
    } while (token !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#config.close?.();
  }

  #page(
    bucket: string,
    prefix: string,
    call: S3Call,
    token: string | undefined,
  ): Promise<{ readonly names: readonly string[]; readonly next: string | undefined }> {
    return this.#send(bucket, call, async (s3, attempt) => {
      const answer = await s3.listObjectsV2(
        {
          Bucket: bucket,
          Prefix: prefix,
          Delimiter: '/',
          EncodingType: 'url',
          ...(token !== undefined && { ContinuationToken: token }),
        },
        { abortSignal: attempt.signal },
      );
      const { keys, next } = keysOf(answer, token);
      // An object of the prefix itself is what consoles make of a new folder.
      const names = keys.map((each) => each.slice(prefix.length)).filter((name) => name !== '');
      return { names, next };
    });
  }

  #send<T>(
    bucket: string,
    call: S3Call,
    request: Parameters<typeof Bucket.prototype.send<T>>[1],
  ): Promise<T> {
    const { s3, wire } = this.#config;
    const classify: S3Call['classify'] = (error) => classifyForeign(error, { ...call, bucket });
    return new Bucket({ s3, wire, bucket, keyPrefix: '' }).send({ ...call, classify }, request);
  }
}

/** A source over clients of its own, which are ended with it. Makes no request. */
export function openS3ObjectSource(config: OpenS3Config): S3ObjectSource {
  return new S3ObjectSource(openS3(config));
}

// Also what older buckets may be called; the name must never reach into the host name of a request.
const BUCKET = /^[a-z0-9][a-z0-9._-]{1,253}[a-z0-9]$/i;

function checkNames(operation: string, bucket: string, key: string): void {
  const uri = `s3://${bucket}/${key}`;
  if (!BUCKET.test(bucket))
    throw refused(operation, uri, `names the bucket ${JSON.stringify(bucket)}, which no bucket is called`);
  const bytes = utf8Length(key);
  if (bytes > MAX_KEY_BYTES)
    throw refused(
      operation,
      uri,
      `has a key of ${bytes} bytes in UTF-8; no key has more than ${MAX_KEY_BYTES}`,
    );
}

function refused(operation: string, uri: string, why: string): InvalidArgumentError {
  return new InvalidArgumentError(`location ${JSON.stringify(uri.slice(0, 200))} ${why}`, {
    operation,
    key: uri,
  });
}
