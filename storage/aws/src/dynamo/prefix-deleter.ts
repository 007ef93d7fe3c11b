import type { Pointer, RandomSource } from '@floecat/storage-spi';
import { isExpired, StorageCorruptionError, mapBounded } from '@floecat/storage-spi';

import { ATTRIBUTES, DELETE_TRANSACTION_ROWS, PARALLEL_REQUESTS } from './dynamo-constants.ts';
import type { Caller, DynamoTable } from './dynamo-table.ts';
import type { Item } from './pointer-item.ts';
import { fromItem } from './pointer-item.ts';
import type { PointerWalker } from './pointer-walker.ts';
import type { PointerTransactions } from './pointer-transactions.ts';
import type { Shards } from './shards.ts';
import { momentOf } from './write-moment.ts';

interface Deleted {
  readonly deleted: number;
  readonly skipped: number;
}

export interface PrefixDeleterConfig {
  readonly table: DynamoTable;
  readonly shards: Shards;
  readonly walker: PointerWalker;
  readonly transactions: PointerTransactions;
  readonly random: RandomSource;
}

/** Deletes everything that starts with a prefix, shard by shard. Expired rows go too, uncounted. */
export class PrefixDeleter {
  readonly #table: DynamoTable;
  readonly #shards: Shards;
  readonly #walker: PointerWalker;
  readonly #transactions: PointerTransactions;
  readonly #random: RandomSource;

  constructor({ table, shards, walker, transactions, random }: PrefixDeleterConfig) {
    this.#table = table;
    this.#shards = shards;
    this.#walker = walker;
    this.#transactions = transactions;
    this.#random = random;
  }

  async delete(caller: Caller, prefix: string, unconditional: boolean): Promise<Deleted> {
    const total = { deleted: 0, skipped: 0 };
    for (const shard of this.#shards.ofPrefix(prefix))
      for await (const items of this.#walker.slices(caller, prefix, shard)) {
        const { deleted, skipped } = unconditional
          ? await this.#blindly(caller, shard, items)
          : await this.#asListed(caller, items);
        total.deleted += deleted;
        total.skipped += skipped;
      }
    return total;
  }

  async #asListed(caller: Caller, items: readonly Item[]): Promise<Deleted> {
    const now = this.#table.clock.now();
    const rows = items.map((item) => fromItem(item, caller.operation));
    const parts: Pointer[][] = [];
    for (let i = 0; i < rows.length; i += DELETE_TRANSACTION_ROWS)
      parts.push(rows.slice(i, i + DELETE_TRANSACTION_ROWS));
    const gone = (
      await mapBounded(parts, PARALLEL_REQUESTS, (part) => this.#deletePart(caller, part))
    ).flat();
    const counted = (pointers: readonly Pointer[]): number =>
      pointers.filter((row) => !isExpired(row, now)).length;
    return { deleted: counted(gone), skipped: counted(rows) - counted(gone) };
  }

  /**
   * Deletes rows as they were listed, expired or not, in one transaction at a time; rows that changed meanwhile are
   * left out of the next one. Answers the rows that were deleted.
   */
  async #deletePart(caller: Caller, rows: readonly Pointer[]): Promise<readonly Pointer[]> {
    let left = rows;
    while (left.length > 0) {
      const moment = momentOf(this.#table.clock, this.#random);
      const prepared = left.map((row) => this.#transactions.delete(row, moment, true));
      const refused = await this.#transactions.send(caller, prepared, moment.writeId);
      if (!refused) return left;
      left = left.filter((_, i) => refused.reasons[i]?.ok === true);
    }
    return left;
  }

  async #blindly(caller: Caller, shard: string, items: readonly Item[]): Promise<Deleted> {
    const now = this.#table.clock.now();
    let deleted = 0;
    const places = items.map((item) => {
      const pointer = readableOrDamaged(item, caller);
      if (!pointer || !isExpired(pointer, now)) deleted++;
      return { shard, key: item[ATTRIBUTES.key]?.S ?? '' };
    });
    await this.#table.deleteMany(caller, places);
    return { deleted, skipped: 0 };
  }
}

/** A damaged row cannot be compared, but it can be deleted by who asked for no comparison. A newer one cannot. */
function readableOrDamaged(item: Item, { operation }: Caller): Pointer | undefined {
  try {
    return fromItem(item, operation);
  } catch (error) {
    if (error instanceof StorageCorruptionError) return undefined;
    throw error;
  }
}
