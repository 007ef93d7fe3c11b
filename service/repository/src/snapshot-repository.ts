import type { MessageShape } from '@bufbuild/protobuf';
import { fromBinary } from '@bufbuild/protobuf';
import type {
  ScanBundle,
  ScanBundleSchema,
  ScanFile,
  SnapshotStatisticsSchema,
} from '@floecat/proto/snapshots';
import { ScanChunkSchema } from '@floecat/proto/snapshots';
import type { CallOptions, ReadOptions } from '@floecat/storage-spi';
import {
  InvalidArgumentError,
  MAX_PAGE_SIZE,
  PageTokens,
  StorageCorruptionError,
} from '@floecat/storage-spi';

import type { BlobWriter } from './blob-writer.ts';
import type { Change } from './change.ts';
import { changeOf } from './change.ts';
import { commit } from './commit.ts';
import { ResourceConflictError } from './errors.ts';
import { load, loadMany, readNamed } from './load.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf, readsOf } from './page.ts';
import { parseSnapshotKey, snapshotOwner, snapshotsPrefix } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import { scanBundleKind, statisticsKind } from './kinds.ts';
import type { Loaded, MutationMeta } from './root-blob.ts';
import { isPresent } from './root-blob.ts';
import type { LoadedTable } from './table-repository.ts';

export type LoadedStatistics = Loaded<typeof SnapshotStatisticsSchema>;
export type LoadedBundle = Loaded<typeof ScanBundleSchema>;

/** One snapshot to store. The writer has put the chunk blobs that the bundle names. */
export interface NewSnapshot {
  readonly snapshotId: bigint;
  readonly statistics: MessageShape<typeof SnapshotStatisticsSchema>;
  readonly bundle: MessageShape<typeof ScanBundleSchema>;
  readonly writer: BlobWriter;
}

/** What hangs on a table: each snapshot's statistics and scan bundle. */
export class SnapshotRepository {
  readonly #context: RepositoryContext;

  constructor(context: RepositoryContext) {
    this.#context = context;
  }

  /**
   * Stores statistics and bundles of up to 49 snapshots in one transaction, on condition that `table` is still
   * the same incarnation and takes children. Answers, per snapshot, that of its statistics and of its bundle.
   */
  async createAll(
    table: LoadedTable,
    snapshots: readonly NewSnapshot[],
    options?: CallOptions,
  ): Promise<readonly MutationMeta[]> {
    const changes = snapshots.flatMap((snapshot): Change[] => {
      const owner = snapshotOwner(this.#context.account, table.owner.id, snapshot.snapshotId, 'statistics');
      const bundleOwner = snapshotOwner(
        this.#context.account,
        table.owner.id,
        snapshot.snapshotId,
        'scan-bundle',
      );
      return [
        changeOf(statisticsKind, { owner, resource: snapshot.statistics, state: 'LIVE' }),
        changeOf(scanBundleKind, {
          owner: bundleOwner,
          resource: snapshot.bundle,
          state: 'LIVE',
          writer: snapshot.writer,
        }),
      ];
    });
    const { key, incarnation } = table.pointer;
    const result = await commit(this.#context, changes, {
      ...options,
      also: [{ op: 'check-owner', key, incarnation, states: ['STAGED', 'LIVE'] }],
    });
    if (result.applied) return result.roots.map(({ meta }) => meta);
    const [conflict] = result.conflicts;
    throw new ResourceConflictError(
      conflict?.key === key
        ? `table ${table.resource.name} was dropped or swept while its snapshots were stored: register it again`
        : `${conflict?.key} exists already`,
      { conflicts: result.conflicts },
    );
  }

  /** A table's snapshots by id, each with its statistics. `limit` counts snapshots, at most 500 a page. */
  async list(table: LoadedTable, request: PageRequest = {}): Promise<Page<LoadedStatistics>> {
    const { account, storage } = this.#context;
    const prefix = snapshotsPrefix(account, table.owner.id);
    // Each snapshot has two rows, side by side. An odd number of rows would part them, which is harmless.
    const limit = request.limit === undefined ? MAX_PAGE_SIZE : Math.min(request.limit * 2, MAX_PAGE_SIZE);
    const page = await storage.pointers.listPointersByPrefix(prefix, { ...request, limit });
    const owners = page.pointers
      .map((pointer) => parseSnapshotKey(pointer.key))
      .filter(({ part }) => part === 'statistics')
      .map(({ snapshotId }) => snapshotOwner(account, table.owner.id, snapshotId, 'statistics'));
    const { roots, damaged } = await loadMany(this.#context, statisticsKind, owners, readsOf(request));
    const items = roots.filter((root): root is LoadedStatistics => root !== undefined && isPresent(root));
    return pageOf(items, page, damaged);
  }

  /** How many of a table's snapshots are stored. Lists their rows, two for each. */
  async count(table: LoadedTable, options: ReadOptions = {}): Promise<number> {
    const { account, storage } = this.#context;
    const prefix = snapshotsPrefix(account, table.owner.id);
    let count = 0;
    let pageToken: string | undefined;
    do {
      const page = await storage.pointers.listPointersByPrefix(prefix, {
        ...options,
        ...(pageToken && { pageToken }),
      });
      count += page.pointers.filter(({ key }) => parseSnapshotKey(key).part === 'statistics').length;
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return count;
  }

  statistics(
    table: LoadedTable,
    snapshotId: bigint,
    options?: CallOptions,
  ): Promise<LoadedStatistics | undefined> {
    const owner = snapshotOwner(this.#context.account, table.owner.id, snapshotId, 'statistics');
    return load(this.#context, statisticsKind, owner, options);
  }

  bundle(table: LoadedTable, snapshotId: bigint, options?: CallOptions): Promise<LoadedBundle | undefined> {
    const owner = snapshotOwner(this.#context.account, table.owner.id, snapshotId, 'scan-bundle');
    return load(this.#context, scanBundleKind, owner, options);
  }

  /** Files of a bundle in order, `limit` at a time (1 to 1,000, default 1,000). Reads only the chunks of the page. */
  async files(bundle: LoadedBundle, request: PageRequest = {}): Promise<Page<ScanFile>> {
    const { limit = MAX_PAGE_SIZE, pageToken, ...call } = request;
    if (!(limit >= 1)) throw new InvalidArgumentError(`limit ${limit} is below 1`);
    const tokens = new PageTokens(this.#context.storage.layout.storeId);
    const scope = bundle.meta.blobUri;
    const start = pageToken === undefined ? 0 : Number(tokens.decode('scan-bundle', scope, pageToken));
    const end = start + Math.min(Math.floor(limit), MAX_PAGE_SIZE);
    const files: ScanFile[] = [];
    let first = 0;
    for (const chunk of chunksOf(bundle.resource)) {
      const last = first + chunk.count;
      if (last > start && first < end)
        files.push(
          ...(await readNamed(this.#context, bundle, () => this.#filesOf(chunk, call), call)).slice(
            Math.max(0, start - first),
            end - first,
          ),
        );
      first = last;
    }
    return first > end
      ? { items: files, nextPageToken: tokens.encode('scan-bundle', scope, String(end)) }
      : { items: files };
  }

  async #filesOf(chunk: BundleChunk, options: CallOptions): Promise<readonly ScanFile[]> {
    if (chunk.files) return chunk.files;
    const { bytes } = await this.#context.storage.blobs.get(chunk.uri, options);
    try {
      const { files } = fromBinary(ScanChunkSchema, bytes);
      if (files.length !== chunk.count) throw new RangeError(`${files.length} files, not ${chunk.count}`);
      return files;
    } catch (cause) {
      throw new StorageCorruptionError(
        `${chunk.uri} is not the chunk that its bundle names: run floecat verify`,
        {
          operation: 'load',
          key: chunk.uri,
          cause,
        },
      );
    }
  }
}

interface BundleChunk {
  readonly count: number;
  readonly uri: string;
  readonly files?: readonly ScanFile[];
}

function chunksOf(bundle: ScanBundle): BundleChunk[] {
  const { inline } = bundle;
  const stored = bundle.chunks.map(({ uri, fileCount }) => ({ uri, count: Number(fileCount) }));
  return inline ? [{ uri: '', count: inline.files.length, files: inline.files }, ...stored] : stored;
}
