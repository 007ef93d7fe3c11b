import type { Pointer, ReadOptions } from '@floecat/storage-spi';
import { isExpired } from '@floecat/storage-spi';

import type { Caller, DynamoTable } from './dynamo-table.ts';
import { fromItem } from './pointer-item.ts';
import type { Item } from './pointer-item.ts';
import type { Shards } from './shards.ts';

/** Reads of pointers by key. */
export class PointerReader {
  readonly #table: DynamoTable;
  readonly #shards: Shards;

  constructor(table: DynamoTable, shards: Shards) {
    this.#table = table;
    this.#shards = shards;
  }

  async get(caller: Caller, key: string, options?: ReadOptions): Promise<Pointer | undefined> {
    const place = { shard: this.#shards.ofKey(key), key };
    const item = await this.#table.get(caller, place, isStrong(options));
    return item && this.visible(caller, item, options);
  }

  async getBatch(
    caller: Caller,
    keys: readonly string[],
    options?: ReadOptions,
  ): Promise<readonly (Pointer | undefined)[]> {
    const places = [...new Set(keys)].map((key) => ({ shard: this.#shards.ofKey(key), key }));
    const items = await this.#table.getMany(caller, places, isStrong(options));
    const found = new Map<string, Pointer>();
    for (const item of items) {
      const pointer = this.visible(caller, item, options);
      if (pointer) found.set(pointer.key, pointer);
    }
    return keys.map((key) => found.get(key));
  }

  /** The pointer in `item`, unless its time is over. */
  visible({ operation }: Caller, item: Item, options?: ReadOptions): Pointer | undefined {
    const pointer = fromItem(item, operation);
    return options?.includeExpired || !isExpired(pointer, this.#table.clock.now()) ? pointer : undefined;
  }
}

export function isStrong(options?: ReadOptions): boolean {
  return options?.consistency !== 'eventual';
}
