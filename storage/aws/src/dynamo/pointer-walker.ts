import type { Pointer, ReadOptions } from '@floecat/storage-spi';
import { compareUtf8, mapBounded } from '@floecat/storage-spi';

import * as where from './conditions.ts';
import { ATTRIBUTES, PARALLEL_REQUESTS, SCAN_ALLOWANCE, WALK_ROWS } from './dynamo-constants.ts';
import type { Caller, DynamoTable } from './dynamo-table.ts';
import type { Item } from './pointer-item.ts';
import { keyItem } from './pointer-item.ts';
import type { PointerReader } from './pointer-reader.ts';
import { isStrong } from './pointer-reader.ts';
import type { Shards } from './shards.ts';

export interface WalkPage {
  readonly pointers: readonly Pointer[];
  /** Where the next page begins, after this key; absent at the end. */
  readonly position?: string;
}

/** How far the rows of one shard have been read. */
interface Cursor {
  readonly shard: string;
  position: string | undefined;
  done: boolean;
  /** Rows to ask for next. */
  slice: number;
}

/** Walks over what starts with a prefix. */
export class PointerWalker {
  readonly #table: DynamoTable;
  readonly #shards: Shards;
  readonly #reader: PointerReader;

  constructor(table: DynamoTable, shards: Shards, reader: PointerReader) {
    this.#table = table;
    this.#shards = shards;
    this.#reader = reader;
  }

  /**
   * Up to `limit` pointers after `after`, in UTF-8 order. Where the prefix spans shards, each is asked for a small
   * slice, and those again whose slice ended before the last row of the page.
   */
  async page(
    caller: Caller,
    prefix: string,
    after: string | undefined,
    limit: number,
    options?: ReadOptions,
  ): Promise<WalkPage> {
    const shards = this.#shards.ofPrefix(prefix);
    const slice = firstSlice(limit + 1, shards.length);
    const cursors = shards.map((shard): Cursor => ({ shard, position: after, done: false, slice }));
    let rows: Pointer[] = [];
    let behind = cursors;
    let scanned = 0;
    while (behind.length > 0) {
      const read = await mapBounded(behind, PARALLEL_REQUESTS, (cursor) =>
        this.#advance(caller, prefix, cursor, options),
      );
      for (const items of read)
        for (const item of items) {
          scanned++;
          const pointer = this.#reader.visible(caller, item, options);
          if (pointer) rows.push(pointer);
        }
      rows.sort((a, b) => compareUtf8(a.key, b.key));
      // One row beyond the limit tells whether there is another page.
      const last = rows[limit]?.key;
      behind = cursors.filter(
        ({ done, position }) =>
          !done && (last === undefined || position === undefined || compareUtf8(position, last) < 0),
      );
      if (behind.length > 0 && scanned > limit + SCAN_ALLOWANCE) return shortPage(rows, behind, limit);
    }
    const more = rows.length > limit;
    rows = rows.slice(0, limit);
    const position = rows.at(-1)?.key;
    return { pointers: rows, ...(more && position !== undefined && { position }) };
  }

  /** Everything in one shard that starts with `prefix`, in slices. `attributes` are all of them, or those named. */
  async *slices(
    caller: Caller,
    prefix: string,
    shard: string,
  ): AsyncGenerator<readonly Item[], void, undefined> {
    const cursor: Cursor = { shard, position: undefined, done: false, slice: WALK_ROWS };
    while (!cursor.done) yield await this.#advance(caller, prefix, cursor);
  }

  async count(caller: Caller, prefix: string, options?: ReadOptions): Promise<number> {
    const counts = await mapBounded(this.#shards.ofPrefix(prefix), PARALLEL_REQUESTS, (shard) =>
      this.#countShard(caller, prefix, shard, options),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #countShard(caller: Caller, prefix: string, shard: string, options?: ReadOptions): Promise<number> {
    let count = 0;
    let from: Item | undefined;
    do {
      const seconds = Math.floor(this.#table.clock.now() / 1000);
      const filter = options?.includeExpired ? undefined : where.live(seconds);
      const input = query(prefix, shard, filter);
      const answer = await this.#table.query(caller, {
        ...input,
        Select: 'COUNT',
        ConsistentRead: isStrong(options),
        ...(from && { ExclusiveStartKey: from }),
      });
      count += answer.Count ?? 0;
      from = answer.LastEvaluatedKey;
    } while (from);
    return count;
  }

  /** The next slice of one shard. */
  async #advance(
    caller: Caller,
    prefix: string,
    cursor: Cursor,
    options?: ReadOptions,
  ): Promise<readonly Item[]> {
    const { shard, position, slice } = cursor;
    const answer = await this.#table.query(caller, {
      ...query(prefix, shard),
      Limit: slice,
      ConsistentRead: isStrong(options),
      ...(position !== undefined && { ExclusiveStartKey: keyItem(shard, position) }),
    });
    cursor.position = answer.LastEvaluatedKey?.[ATTRIBUTES.key]?.S;
    cursor.done = cursor.position === undefined;
    cursor.slice = Math.min(slice * 2, WALK_ROWS);
    return answer.Items ?? [];
  }
}

/** A page that ends early: what is certainly in order, up to where every shard has been read. */
function shortPage(rows: readonly Pointer[], behind: readonly Cursor[], limit: number): WalkPage {
  let end = behind[0]?.position ?? '';
  for (const { position = '' } of behind) if (compareUtf8(position, end) < 0) end = position;
  const pointers = rows.filter(({ key }) => compareUtf8(key, end) <= 0).slice(0, limit);
  return { pointers, position: end };
}

/** Rows to ask each shard for at first: its share of the page, and some more for what is unevenly spread. */
function firstSlice(rows: number, shards: number): number {
  if (shards === 1) return rows;
  const share = rows / shards;
  return Math.min(rows, Math.ceil(share + 3 * Math.sqrt(share)) + 1);
}

function query(prefix: string, shard: string, filter?: where.Clause) {
  const { shard: partition, key } = ATTRIBUTES;
  const below = prefix === '' ? '' : ` AND begins_with(#${key}, :prefix)`;
  return {
    KeyConditionExpression: `#${partition} = :shard${below}`,
    ...(filter && { FilterExpression: filter.text }),
    ExpressionAttributeNames: {
      [`#${partition}`]: partition,
      ...(prefix !== '' && { [`#${key}`]: key }),
      ...filter?.names,
    },
    ExpressionAttributeValues: {
      ':shard': { S: shard },
      ...(prefix !== '' && { ':prefix': { S: prefix } }),
      ...filter?.values,
    },
  };
}
