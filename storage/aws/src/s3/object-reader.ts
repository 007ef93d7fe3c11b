import { hash } from 'node:crypto';

import type { Blob, BlobHeader } from '@floecat/storage-spi';
import { MAX_BLOB_BYTES, StorageCorruptionError, StorageNotFoundError } from '@floecat/storage-spi';

import type { Bucket, S3Call } from './bucket.ts';
import { discardBody, readBody } from './object-body.ts';
import type { ObjectAnswer } from './object-header.ts';
import { headerOf, NULL_VERSION } from './object-header.ts';
import { tagsOf } from './object-tags.ts';
import { isAbsent, isBodiless } from './s3-errors.ts';

/** Which object, or which version of it, a call is about. */
export interface ObjectRef {
  readonly operation: string;
  readonly uri: string;
  readonly versionId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Read {
  readonly answer: ObjectAnswer;
  readonly bytes: Uint8Array;
}

/** Reads objects, and never answers bytes that it did not verify. */
export class ObjectReader {
  readonly #bucket: Bucket;
  /**
   * Whether this server tells the count of tags in its answers to HEAD, as S3 does and some others do not. Where there are
   * no tags there is no count, so that it is known only once a count was told; until then, tags are asked for.
   */
  #headsCountTags = false;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  /** The blob; `undefined` where it does not exist. */
  async get(ref: ObjectRef): Promise<Blob | undefined> {
    // The second time, in case the bytes were damaged on their way and not where they are kept.
    for (let again = 0; ; again++) {
      const read = await this.#getOnce(ref);
      if (read === undefined) return undefined;
      const header = headerOf(ref.operation, ref.uri, read.answer);
      const digest = hash('sha256', read.bytes, 'base64');
      if (digest === header.etag) {
        const sized = { ...header, size: read.bytes.length };
        // The count is in every answer to GET, and there is no such header where there are no tags.
        const tagged = read.answer.TagCount ? await this.#withTags(ref, sized) : Object.freeze(sized);
        return tagged && { header: tagged, bytes: read.bytes };
      }
      if (again > 0) throw damaged(ref, header, digest);
    }
  }

  /** As {@link get}, without the bytes. */
  async head(ref: ObjectRef): Promise<BlobHeader | undefined> {
    const answer = await this.#headOnce(ref);
    if (!answer) return undefined;
    const header = headerOf(ref.operation, ref.uri, answer);
    return !answer.TagCount && this.#headsCountTags ? Object.freeze(header) : this.#withTags(ref, header);
  }

  async #getOnce(ref: ObjectRef): Promise<Read | undefined> {
    const { operation, uri, versionId } = ref;
    const input = this.#input(ref);
    return this.#bucket.send(readCall(ref), async (s3, { signal, tally }) => {
      try {
        const answer = await s3.getObject(input, { abortSignal: signal });
        const length = answer.ContentLength;
        if (length !== undefined && length > MAX_BLOB_BYTES) {
          discardBody(answer.Body);
          throw new StorageCorruptionError(
            `${operation} ${JSON.stringify(uri)}: the object is ${length} bytes, and no blob is larger than ` +
              `${MAX_BLOB_BYTES}; it was not written by this store`,
            { operation, key: uri },
          );
        }
        const bytes = await readBody(answer.Body, length, signal);
        tally?.received(bytes.length);
        return { answer, bytes };
      } catch (error) {
        if (isAbsent(error, versionId)) return undefined;
        throw error;
      }
    });
  }

  async #headOnce(ref: ObjectRef): Promise<ObjectAnswer | undefined> {
    const input = this.#input(ref);
    return this.#bucket.send(readCall(ref), async (s3, { signal }) => {
      try {
        const answer = await s3.headObject(input, { abortSignal: signal });
        if (answer.TagCount) this.#headsCountTags = true;
        return answer;
      } catch (error) {
        if (!isBodiless(error)) throw error;
      }
      // Its answer has a body, which tells a missing bucket from a missing object.
      try {
        const answer = await s3.getObject(input, { abortSignal: signal });
        discardBody(answer.Body);
        return answer;
      } catch (error) {
        if (isAbsent(error, ref.versionId)) return undefined;
        throw error;
      }
    });
  }

  /** The header with the tags of the version that was read; `undefined` where that is gone meanwhile. */
  async #withTags(ref: ObjectRef, header: BlobHeader): Promise<BlobHeader | undefined> {
    const versionId = header.versionId === NULL_VERSION ? ref.versionId : header.versionId;
    const tags = await this.tagsOf({ ...ref, versionId });
    return tags && Object.freeze({ ...header, tags });
  }

  /** The tags of one version; `undefined` where it does not exist. */
  tagsOf(ref: ObjectRef): Promise<Readonly<Record<string, string>> | undefined> {
    const { operation, uri, versionId, signal } = ref;
    const action = versionId === undefined ? 'GetObjectTagging' : 'GetObjectVersionTagging';
    const call: S3Call = { operation, key: uri, action, write: false, signal };
    return this.#bucket.send(call, async (s3, attempt) => {
      try {
        const { TagSet } = await s3.getObjectTagging(this.#input(ref), { abortSignal: attempt.signal });
        return tagsOf(TagSet);
      } catch (error) {
        if (isAbsent(error, versionId)) return undefined;
        throw error;
      }
    });
  }

  #input({ operation, uri, versionId }: ObjectRef): { Bucket: string; Key: string; VersionId?: string } {
    const Key = this.#bucket.keyOf(operation, uri);
    return { Bucket: this.#bucket.name, Key, ...(versionId !== undefined && { VersionId: versionId }) };
  }
}

/** The error of a read that found nothing. */
export function notFound({ operation, uri, versionId }: ObjectRef): StorageNotFoundError {
  const what = versionId === undefined ? 'no blob' : `no version ${versionId} of the blob`;
  return new StorageNotFoundError(`${operation}: ${what} ${uri}`, { operation, key: uri });
}

function readCall({ operation, uri, versionId, signal }: ObjectRef): S3Call {
  const action = versionId === undefined ? 'GetObject' : 'GetObjectVersion';
  return { operation, key: uri, action, write: false, signal };
}

function damaged({ operation, uri }: ObjectRef, header: BlobHeader, digest: string): StorageCorruptionError {
  const version = header.versionId === NULL_VERSION ? '' : ` version ${header.versionId}`;
  return new StorageCorruptionError(
    `${operation} ${JSON.stringify(uri)}${version}: the bytes have SHA-256 ${digest}, not ${header.etag}, also when ` +
      'read again; see floecat verify, and restore an older version or a backup',
    { operation, key: uri },
  );
}
