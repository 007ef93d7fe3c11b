import { InvalidArgumentError, MAX_KEY_BYTES, utf8Length } from '@floecat/storage-spi';

import type { Attempt, Failure, Wire, WireCall } from '../wire/index.ts';
import { classifyS3 } from './s3-errors.ts';
import type { S3Service } from './s3-service.ts';

/** What every request of a store needs: the service, the wire, and where in the bucket the store is. */
export interface BucketConfig {
  readonly s3: S3Service;
  readonly wire: Wire;
  readonly bucket: string;
  readonly keyPrefix: string;
}

/** One call of the SPI, and the IAM action that a request of it takes. */
export interface S3Call {
  readonly operation: string;
  /** The blob's URI, or what else the call is about. */
  readonly key: string;
  /** Without its `s3:`. */
  readonly action: string;
  readonly write: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly classify?: (error: unknown) => Failure | undefined;
}

/** The part of a bucket that one store has: URIs to keys and back, and requests through the wire. */
export class Bucket {
  readonly name: string;
  readonly keyPrefix: string;
  readonly #s3: S3Service;
  readonly #wire: Wire;
  readonly #prefixBytes: number;

  constructor({ s3, wire, bucket, keyPrefix }: BucketConfig) {
    this.name = bucket;
    this.keyPrefix = keyPrefix;
    this.#s3 = s3;
    this.#wire = wire;
    this.#prefixBytes = utf8Length(keyPrefix);
  }

  /** Sends one request, as often as the wire finds right. */
  send<T>(call: S3Call, request: (s3: S3Service, attempt: Attempt) => Promise<T>): Promise<T> {
    const wired: WireCall = {
      ...call,
      action: `s3:${call.action}`,
      resource: `bucket ${this.name}`,
      classify: (error) => call.classify?.(error) ?? classifyS3(error, wired),
    };
    return this.#wire.send(wired, (attempt) => request(this.#s3, attempt));
  }

  /** The object key of a URI. Refuses one that is too long for S3 once the key prefix stands before it. */
  keyOf(operation: string, uri: string): string {
    const bytes = this.#prefixBytes + utf8Length(uri) - 1;
    if (bytes > MAX_KEY_BYTES)
      throw new InvalidArgumentError(
        `${operation} ${JSON.stringify(uri.slice(0, 80))}: the object key is ${bytes} bytes in UTF-8 with the ` +
          `key prefix ${this.keyPrefix}; the limit is ${MAX_KEY_BYTES}`,
        { operation, key: uri },
      );
    return this.keyPrefix + uri.slice(1);
  }

  /** What the keys of a listing begin with; `undefined` where no blob can. */
  listPrefix(prefix: string): string | undefined {
    if (prefix !== '' && !prefix.startsWith('/')) return undefined;
    if (this.#prefixBytes + utf8Length(prefix) - 1 > MAX_KEY_BYTES) return undefined;
    return this.keyPrefix + prefix.slice(1);
  }

  uriOf(key: string): string {
    return '/' + key.slice(this.keyPrefix.length);
  }
}
