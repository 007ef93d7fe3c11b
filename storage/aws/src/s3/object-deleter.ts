import type { BulkDeleteReport, CallOptions } from '@floecat/storage-spi';
import { MAX_BULK_DELETE_KEYS } from '@floecat/storage-spi';

import type { Failure } from '../wire/index.ts';
import type { Bucket, S3Call } from './bucket.ts';
import type { ObjectLister, StoredVersion, VersionPosition } from './object-lister.ts';
import { isAbsent } from './s3-errors.ts';
import type { S3Service } from './s3-service.ts';

/** Why S3 did not delete one key of many. */
export class KeyNotDeletedError extends Error {
  /** S3's own, e.g. `AccessDenied`; `Unanswered` where the answer passed over the key. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.name = 'KeyNotDeletedError';
    this.code = code;
  }
}

/** What one walk of a delete by prefix did. */
interface DeletePass {
  readonly pages: number;
  /** Versions and delete markers. */
  readonly removed: number;
  /** Blobs that are gone, less those counted in an earlier pass that turned out not to be. */
  readonly counted: number;
  readonly failed: ReadonlyMap<string, unknown>;
}

/** Some keys of a bulk delete are left; the request is sent again for these. */
class KeysLeftError extends Error {}

/**
 * What XML 1.0 cannot hold, or what a reader of XML may change. Such keys go one by one, in an address.
 * Blanks at either end are among it.
 */
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const NOT_IN_XML = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]|^\s|\s$/;
/** Trying again does not help against these. */
const FINAL = new Set(['AccessDenied', 'InvalidArgument', 'MethodNotAllowed', 'NotImplemented']);

/** Deletes objects and versions. */
export class ObjectDeleter {
  readonly #bucket: Bucket;
  readonly #lister: ObjectLister;
  readonly #beforeBatch: (options?: CallOptions) => Promise<void>;

  /** `beforeBatch` runs before each batch of {@link deletePrefix}; what it throws ends it. */
  constructor(bucket: Bucket, lister: ObjectLister, beforeBatch: (options?: CallOptions) => Promise<void>) {
    this.#bucket = bucket;
    this.#lister = lister;
    this.#beforeBatch = beforeBatch;
  }

  /** Deletes the object (on a versioned bucket: puts a delete marker over it), or exactly one version. */
  async delete(
    operation: string,
    uri: string,
    { versionId, signal }: { readonly versionId?: string; readonly signal?: AbortSignal | undefined },
  ): Promise<void> {
    const key = this.#bucket.keyOf(operation, uri);
    await this.#deleteOne({ operation, uri, key, versionId, signal });
  }

  /**
   * Deletes every version and delete marker below `prefix`, newest first. A URI counts once, if it was there as a
   * blob and no version of it is left.
   */
  async deletePrefix(prefix: string, options: CallOptions = {}): Promise<BulkDeleteReport> {
    // URIs at the end of a page. What is left of their versions looks like a blob of its own on the next one.
    const borders = new Map<string, boolean>();
    let deleted = 0;
    for (;;) {
      const pass = await this.#deletePass(prefix, borders, options);
      deleted += pass.counted;
      // A server may lose its place when what stood there is deleted, so the last walk is one that finds nothing.
      if (pass.pages === 1 || pass.removed === 0)
        return { deleted, failed: [...pass.failed].map(([uri, cause]) => ({ uri, cause })) };
      for (const uri of pass.failed.keys()) borders.delete(uri);
    }
  }

  /** Walks once over what is below `prefix` and deletes it, page by page. */
  async #deletePass(
    prefix: string,
    borders: Map<string, boolean>,
    options: CallOptions,
  ): Promise<DeletePass> {
    const { signal } = options;
    const failed = new Map<string, unknown>();
    let [pages, removed, counted] = [0, 0, 0];
    let position: VersionPosition | undefined;
    do {
      const page = await this.#lister.storedVersions('deletePrefix', prefix, {
        limit: MAX_BULK_DELETE_KEYS,
        position,
        signal,
      });
      pages++;
      position = page.next;
      if (page.versions.length === 0) continue;
      await this.#beforeBatch(options);
      const blobs = new Set(
        page.versions
          .filter((each) => each.latest && !each.deleteMarker && !borders.has(each.uri))
          .map(({ uri }) => uri),
      );
      counted += blobs.size;
      const kept = await this.#deleteBatch(prefix, page.versions, signal);
      removed += page.versions.length - kept.size;
      for (const [{ uri }, cause] of kept) {
        if (!failed.has(uri) && (blobs.has(uri) || borders.get(uri) === true)) counted--;
        failed.set(uri, cause);
      }
      const border = position && this.#bucket.uriOf(position.key);
      if (border !== undefined && !borders.has(border)) borders.set(border, blobs.has(border));
    } while (position !== undefined);
    return { pages, removed, counted, failed };
  }

  async #deleteBatch(
    prefix: string,
    versions: readonly StoredVersion[],
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<StoredVersion, unknown>> {
    const operation = 'deletePrefix';
    const failed = new Map<StoredVersion, unknown>();
    for (const version of versions.filter(({ key }) => NOT_IN_XML.test(key)))
      await this.#deleteOne({ ...version, operation, signal }).catch((cause: unknown) =>
        failed.set(version, cause),
      );
    let left = versions.filter(({ key }) => !NOT_IN_XML.test(key));
    const causes = new Map<StoredVersion, KeyNotDeletedError>();
    const call: S3Call = {
      operation,
      key: prefix,
      action: 'DeleteObjectVersion',
      write: true,
      signal,
      classify: keysLeft,
    };
    try {
      await this.#bucket.send(call, async (s3, attempt) => {
        if (left.length === 0) return;
        const refused = await this.#deleteObjects(s3, left, attempt.signal);
        for (const [version, cause] of refused) causes.set(version, cause);
        left = left.filter((version) => refused.has(version));
        for (const [version, cause] of refused) if (FINAL.has(cause.code)) failed.set(version, cause);
        left = left.filter((version) => !failed.has(version));
        if (left.length > 0) throw new KeysLeftError(`${left.length} keys are left`);
      });
    } catch (error) {
      // Only what S3 said about single keys is a report; everything else ends the call.
      if (!((error as Error).cause instanceof KeysLeftError)) throw error;
      for (const version of left) failed.set(version, causes.get(version) ?? error);
    }
    return failed;
  }

  /** One bulk request; the versions that its answer does not confirm, each with the reason. */
  async #deleteObjects(
    s3: S3Service,
    versions: readonly StoredVersion[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<StoredVersion, KeyNotDeletedError>> {
    const Objects = versions.map(({ key, versionId }) => ({ Key: key, VersionId: versionId }));
    const answer = await s3.deleteObjects(
      { Bucket: this.#bucket.name, Delete: { Objects } },
      { abortSignal: signal },
    );
    const deleted = new Set(answer.Deleted?.map(({ Key, VersionId }) => idOf(Key, VersionId)));
    const errors = new Map(
      answer.Errors?.map(({ Key, VersionId, Code, Message }) => [
        idOf(Key, VersionId),
        new KeyNotDeletedError(Code ?? 'Unknown', Message ?? ''),
      ]),
    );
    const refused = new Map<StoredVersion, KeyNotDeletedError>();
    for (const version of versions) {
      const id = idOf(version.key, version.versionId);
      const error = errors.get(id);
      if (error) refused.set(version, error);
      else if (!deleted.has(id))
        refused.set(version, new KeyNotDeletedError('Unanswered', 'the answer passes over this key'));
    }
    return refused;
  }

  async #deleteOne(target: {
    readonly operation: string;
    readonly uri: string;
    readonly key: string;
    readonly versionId?: string | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<void> {
    const { operation, uri, key, versionId, signal } = target;
    const action = versionId === undefined ? 'DeleteObject' : 'DeleteObjectVersion';
    const version = versionId === undefined ? {} : { VersionId: versionId };
    await this.#bucket.send({ operation, key: uri, action, write: true, signal }, async (s3, attempt) => {
      try {
        await s3.deleteObject(
          { Bucket: this.#bucket.name, Key: key, ...version },
          { abortSignal: attempt.signal },
        );
      } catch (error) {
        if (!isAbsent(error, versionId)) throw error;
      }
    });
  }
}

function keysLeft(error: unknown): Failure | undefined {
  return error instanceof KeysLeftError ? { kind: 'throttled' } : undefined;
}

function idOf(key: string | undefined, versionId: string | undefined): string {
  return `${versionId ?? 'null'} ${key}`;
}
