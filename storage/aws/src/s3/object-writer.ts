import { hash } from 'node:crypto';

import type { BlobHeader, Clock, PutOptions } from '@floecat/storage-spi';
import { InvalidArgumentError, LOST_TAG, StorageAbortRetryableError } from '@floecat/storage-spi';

import { answeredAt } from '../answer-dates.ts';
import type { Bucket, S3Call } from './bucket.ts';
import { readBody } from './object-body.ts';
import {
  META_CREATED_AT,
  META_MESSAGE,
  META_SHA256,
  NULL_VERSION,
  promisedDigest,
  wholeSeconds,
} from './object-header.ts';
import type { ObjectReader } from './object-reader.ts';
import { checkTags, tagHeader, tagSetOf } from './object-tags.ts';
import { isAbsent } from './s3-errors.ts';
import type { S3BlobSettings } from './s3-settings.ts';

const DEFAULT_CONTENT_TYPE = 'application/x-protobuf';
const HEADER_TEXT = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;

export interface PutRequest {
  readonly operation: string;
  readonly uri: string;
  readonly bytes: Uint8Array;
  readonly options: PutOptions;
}

/** The part of the answer to a put that can prove what was stored. */
interface PutAnswer {
  readonly ChecksumSHA256?: string | undefined;
  readonly ETag?: string | undefined;
  readonly VersionId?: string | undefined;
}

/** Puts objects, one request each, and makes sure that what is stored is what was meant. */
export class ObjectWriter {
  readonly #bucket: Bucket;
  readonly #reader: ObjectReader;
  readonly #settings: S3BlobSettings;
  readonly #clock: Clock;

  constructor(bucket: Bucket, reader: ObjectReader, settings: S3BlobSettings, clock: Clock) {
    this.#bucket = bucket;
    this.#reader = reader;
    this.#settings = settings;
    this.#clock = clock;
  }

  async put({ operation, uri, bytes, options }: PutRequest): Promise<BlobHeader> {
    const { contentType = DEFAULT_CONTENT_TYPE, message, signal } = options;
    const refuse = refuser(operation, uri);
    const tags = { ...this.#settings.tags, ...options.tags };
    checkTags(tags, refuse);
    if (!HEADER_TEXT.test(contentType)) refuse('the content type is not 1 to 255 printable ASCII characters');
    if (message !== undefined && !HEADER_TEXT.test(message))
      refuse('the message name is not 1 to 255 printable ASCII characters');
    const key = this.#bucket.keyOf(operation, uri);
    // What the URI promises was compared with the bytes before they came here, and S3 does so again.
    const etag = promisedDigest(uri) ?? hash('sha256', bytes, 'base64');
    const createdAt = this.#clock.now();
    const tagging = tagHeader(tags);
    const input = {
      Bucket: this.#bucket.name,
      Key: key,
      Body: bytes,
      ContentType: contentType,
      // The algorithm by name as well, which buckets with an object lock ask for.
      ChecksumAlgorithm: 'SHA256' as const,
      ChecksumSHA256: etag,
      Metadata: {
        [META_SHA256]: etag,
        [META_CREATED_AT]: String(createdAt),
        ...(message !== undefined && { [META_MESSAGE]: message }),
      },
      ...this.#storage(),
      ...(tagging !== undefined && { Tagging: tagging }),
    };
    const call: S3Call = { operation, key: uri, action: 'PutObject', write: true, signal };
    const answer = await this.#bucket.send(call, (s3, attempt) => {
      attempt.tally?.sent(bytes.length);
      return s3.putObject(input, { abortSignal: attempt.signal });
    });
    await this.#verify({ operation, uri, bytes, etag, answer, signal });
    return Object.freeze({
      uri,
      versionId: answer.VersionId ?? NULL_VERSION,
      etag,
      size: bytes.length,
      contentType,
      ...(message !== undefined && { message }),
      createdAt,
      lastModified: wholeSeconds(new Date(answeredAt(answer) ?? this.#clock.now())),
      tags: Object.freeze(tags),
    });
  }

  /** Tags a version as lost. Read, then written: of two at the same time both write the same. */
  async markLost(uri: string, versionId: string, signal?: AbortSignal): Promise<void> {
    const operation = 'markLost';
    const tags = await this.#reader.tagsOf({ operation, uri, versionId, signal });
    if (tags === undefined || tags[LOST_TAG] === 'true') return;
    const input = {
      Bucket: this.#bucket.name,
      Key: this.#bucket.keyOf(operation, uri),
      VersionId: versionId,
      Tagging: { TagSet: tagSetOf({ ...tags, [LOST_TAG]: 'true' }) },
    };
    const call: S3Call = { operation, key: uri, action: 'PutObjectVersionTagging', write: true, signal };
    await this.#bucket.send(call, async (s3, attempt) => {
      try {
        await s3.putObjectTagging(input, { abortSignal: attempt.signal });
      } catch (error) {
        if (!isAbsent(error, versionId)) throw error;
      }
    });
  }

  #storage(): object {
    const { encryption, storageClass } = this.#settings;
    return {
      ...(storageClass !== undefined && { StorageClass: storageClass }),
      ...(encryption && { ServerSideEncryption: encryption.algorithm }),
      ...(encryption && 'keyId' in encryption && { SSEKMSKeyId: encryption.keyId }),
      ...(encryption && 'bucketKey' in encryption && { BucketKeyEnabled: encryption.bucketKey }),
    };
  }

  /** That the store has these bytes: by the checksum it answered, or its MD5, or else by reading them back. */
  async #verify(put: {
    operation: string;
    uri: string;
    bytes: Uint8Array;
    etag: string;
    answer: PutAnswer;
    signal: AbortSignal | undefined;
  }): Promise<void> {
    const { operation, uri, bytes, etag, answer, signal } = put;
    if (answer.ChecksumSHA256 !== undefined) {
      if (answer.ChecksumSHA256 !== etag) throw mismatch(put, `answered SHA-256 ${answer.ChecksumSHA256}`);
      return;
    }
    // Equal, it proves the bytes. Other ETags need not be an MD5 of anything, as under KMS, and prove nothing.
    if (answer.ETag?.replaceAll('"', '') === hash('md5', bytes, 'hex')) return;
    const version = answer.VersionId === undefined ? {} : { VersionId: answer.VersionId };
    const input = { Bucket: this.#bucket.name, Key: this.#bucket.keyOf(operation, uri), ...version };
    const action = answer.VersionId === undefined ? 'GetObject' : 'GetObjectVersion';
    const stored = await this.#bucket.send(
      { operation, key: uri, action, write: false, signal },
      async (s3, attempt) => {
        try {
          const found = await s3.getObject(input, { abortSignal: attempt.signal });
          const back = await readBody(found.Body, found.ContentLength, attempt.signal);
          attempt.tally?.received(back.length);
          return back;
        } catch (error) {
          if (isAbsent(error, answer.VersionId)) throw mismatch(put, 'has nothing when it is read back');
          throw error;
        }
      },
    );
    if (Buffer.compare(stored, bytes) !== 0) throw mismatch(put, 'has other bytes when they are read back');
  }
}

function mismatch(
  { operation, uri, etag }: { operation: string; uri: string; etag: string },
  how: string,
): StorageAbortRetryableError {
  return new StorageAbortRetryableError(
    `${operation} ${JSON.stringify(uri)}: the store ${how}, where ${etag} was put; put it again`,
    { operation, key: uri },
  );
}

function refuser(operation: string, uri: string): (why: string) => never {
  return (why) => {
    throw new InvalidArgumentError(`${operation} ${JSON.stringify(uri)}: ${why}`, { operation, key: uri });
  };
}
