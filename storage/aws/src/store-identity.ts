import type { LayoutSettings, StoreLayout } from '@floecat/storage-spi';
import { DEFAULT_LAYOUT, STORAGE_FORMAT, StorageMisconfiguredError } from '@floecat/storage-spi';

import { DEFAULT_SHARDS } from './dynamo/dynamo-constants.ts';
import { createLayout, readLayout, replaceLayout } from './dynamo/layout-row.ts';
import type { DynamoParts } from './dynamo/open-dynamo-pointers.ts';
import type { Bucket } from './s3/bucket.ts';
import type { ObjectLister } from './s3/object-lister.ts';
import type { StoreMarker, StoreMarkerObject } from './s3/store-marker.ts';

/** Table and bucket of one store, as they say whose they are. */
export interface FoundIdentity {
  /** Of the table; absent where the table is, or has no layout row. */
  readonly layout: StoreLayout | undefined;
  /** Of the bucket. */
  readonly marker: StoreMarker | undefined;
}

export interface StoreIdentityConfig {
  readonly parts: DynamoParts;
  readonly bucket: Bucket;
  readonly marker: StoreMarkerObject;
  readonly lister: ObjectLister;
}

/** Whether a table and a bucket are one store, and how they become one. */
export class StoreIdentity {
  readonly #config: StoreIdentityConfig;

  constructor(config: StoreIdentityConfig) {
    this.#config = config;
  }

  /** The table must serve, or not exist; the bucket must exist. */
  async find(): Promise<FoundIdentity> {
    const { parts, marker } = this.#config;
    const table = await parts.bootstrap.ready();
    return { layout: table && (await readLayout(parts.table)), marker: await marker.read() };
  }

  /**
   * Throws `StorageMisconfiguredError` unless both belong together, or, with `create`, a new store can be made in
   * them. Answers the identity that a layout row made now has to get; `undefined` where there is one.
   */
  async settle(create: boolean): Promise<StoreMarker | undefined> {
    const { marker } = this.#config;
    const found = await this.find();
    if (found.layout) {
      await marker.check(found.layout);
      return undefined;
    }
    if (found.marker) return this.#finish(found.marker, create);
    // Without leave to make one, opening the table says what is missing.
    if (!create) return undefined;
    await this.#refuseForeign();
    // Made first: of several processes that start at once, all make the table's rows with the identity in it.
    const { random } = this.#config.parts;
    return marker.create({
      format: STORAGE_FORMAT,
      storeId: random.uuid(),
      tableId: random.uuid(),
      epoch: 1,
    });
  }

  /**
   * Joins the two, whatever their rows say, unless they are of different stores. Raises the epoch, so that a process
   * that still works on another table of this store is refused. `undefined` where they belong together already. With
   * `onlyLost`, a table that another one has taken the place of is refused too.
   */
  async adopt(settings: Partial<LayoutSettings>, onlyLost = false): Promise<StoreLayout | undefined> {
    const { parts, marker } = this.#config;
    const { layout, marker: mark } = await this.find();
    if (!layout && !mark)
      throw this.#refused(
        'neither of them has a store yet, so there is nothing to adopt; run floecat bootstrap',
      );
    if (layout && mark && layout.storeId !== mark.storeId)
      throw this.#refused(
        `the table is of store ${layout.storeId} and the bucket of store ${mark.storeId}, whose pointers and blobs do not belong together; check floecat.kv.table and floecat.blob.s3.bucket`,
      );
    if (layout && mark && layout.tableId === mark.tableId && layout.epoch === mark.epoch) return undefined;
    if (layout && !mark && !(await this.#hasObjects()))
      throw this.#refused(
        'the table has a store but the bucket is empty, so its pointers would lead nowhere; check floecat.blob.s3.bucket and floecat.blob.s3.key-prefix, or restore the bucket first',
      );
    if (onlyLost && layout && mark && layout.epoch < mark.epoch) await this.#config.marker.check(layout);
    const epoch = Math.max(layout?.epoch ?? 0, mark?.epoch ?? 0) + 1;
    const next = layout
      ? { ...layout, epoch }
      : await this.#newLayout({ ...settings, storeId: (mark as StoreMarker).storeId, epoch });
    if (layout) await replaceLayout(parts.table, layout, next);
    if (mark) await marker.replace(mark, next);
    else {
      await marker.create(next);
      await marker.check(next);
    }
    return next;
  }

  async #newLayout(
    wanted: Partial<LayoutSettings> & Pick<StoreLayout, 'storeId' | 'epoch'>,
  ): Promise<StoreLayout> {
    const { parts } = this.#config;
    await this.#refuseForeignRows();
    const tableId = parts.random.uuid();
    const layout = await createLayout(parts.table, {
      ...DEFAULT_LAYOUT,
      shards: DEFAULT_SHARDS,
      ...wanted,
      format: STORAGE_FORMAT,
      tableId,
    });
    if (layout.tableId === tableId) return layout;
    throw this.#refused('another process has just made a store in the table; run this again');
  }

  /** The bucket names a store whose table has no rows: a start that was cut short, or a table that was lost. */
  async #finish(marker: StoreMarker, create: boolean): Promise<StoreMarker | undefined> {
    const { parts } = this.#config;
    if (create && !(await this.#hasObjects())) {
      await this.#refuseForeignRows();
      return marker;
    }
    // Another process may have finished it meanwhile.
    const table = await parts.bootstrap.ready();
    if (table && (await readLayout(parts.table))) return undefined;
    throw this.#refused(
      `the bucket holds store ${marker.storeId}, whose pointers are not in this table; name its table in floecat.kv.table, or bring the pointers back with floecat restore (or floecat rebuild where there is no backup), or join an empty table to it with floecat bootstrap --adopt`,
    );
  }

  async #refuseForeign(): Promise<void> {
    await this.#refuseForeignRows();
    if (!(await this.#hasObjects())) return;
    // Unless another process has made the store since we looked.
    if (await this.#config.marker.read()) return;
    throw this.#refused(
      'the bucket has objects there but no .floecat/store.json, so they are not of a store; use an empty bucket or another floecat.blob.s3.key-prefix, or join them with floecat bootstrap --adopt if the table is theirs',
    );
  }

  async #refuseForeignRows(): Promise<void> {
    const { parts } = this.#config;
    if (!(await parts.bootstrap.ready()) || (await parts.admin.isEmpty())) return;
    if (await readLayout(parts.table)) return;
    throw this.#refused(
      "the table has rows but no layout row, so it is another program's or damaged; use another table, or restore this one",
    );
  }

  /** Whether any version of any blob is there. */
  async #hasObjects(): Promise<boolean> {
    const { versions } = await this.#config.lister.listVersions('', { limit: 100 });
    return versions.length > 0;
  }

  #refused(why: string): StorageMisconfiguredError {
    const { parts, bucket } = this.#config;
    const where = bucket.keyPrefix === '' ? '' : `, key prefix ${bucket.keyPrefix}`;
    return new StorageMisconfiguredError(
      `open: table ${parts.table.name} and bucket ${bucket.name}${where}: ${why}`,
      { operation: 'open' },
    );
  }
}
