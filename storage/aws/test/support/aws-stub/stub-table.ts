import type { ItemJson } from './dynamo-json.ts';
import { compareText, invalid } from './dynamo-json.ts';

export interface TableKey {
  readonly hash: string;
  readonly range: string;
}

/** The rows of one table, sorted within each partition. Both keys are strings. */
export class StubTable {
  readonly keySchema: readonly { readonly AttributeName: string; readonly KeyType: string }[];
  readonly #hash: string;
  readonly #range: string;
  readonly #partitions = new Map<string, { readonly keys: string[]; readonly rows: Map<string, ItemJson> }>();

  constructor(keySchema: StubTable['keySchema']) {
    this.keySchema = keySchema;
    const [hash, range] = keySchema.map(({ AttributeName }) => AttributeName);
    if (hash === undefined || range === undefined) throw invalid('this stub has tables with two keys only');
    this.#hash = hash;
    this.#range = range;
  }

  /** The key in an item, or in what must be a key and nothing else. */
  keyOf(item: ItemJson, alone = false): TableKey {
    const hash = item[this.#hash]?.S;
    const range = item[this.#range]?.S;
    const bytes = Buffer.byteLength(range ?? '');
    if (!hash || !range || bytes > 1024 || (alone && Object.keys(item).length !== 2))
      throw invalid('The provided key element does not match the schema');
    return { hash, range };
  }

  keyItem({ hash, range }: TableKey): ItemJson {
    return { [this.#hash]: { S: hash }, [this.#range]: { S: range } };
  }

  get hashName(): string {
    return this.#hash;
  }

  get({ hash, range }: TableKey): ItemJson | undefined {
    return this.#partitions.get(hash)?.rows.get(range);
  }

  put(item: ItemJson): void {
    const { hash, range } = this.keyOf(item);
    const partition = this.#partitions.get(hash) ?? { keys: [], rows: new Map<string, ItemJson>() };
    this.#partitions.set(hash, partition);
    if (!partition.rows.has(range)) partition.keys.splice(firstAbove(partition.keys, range), 0, range);
    partition.rows.set(range, item);
  }

  delete({ hash, range }: TableKey): void {
    const partition = this.#partitions.get(hash);
    if (partition?.rows.delete(range)) partition.keys.splice(firstAbove(partition.keys, range) - 1, 1);
  }

  /** Rows of one partition in the order of their keys, from after `after`. */
  *from(hash: string, after: string | undefined): Generator<ItemJson> {
    const partition = this.#partitions.get(hash);
    if (!partition) return;
    const { keys, rows } = partition;
    for (let i = after === undefined ? 0 : firstAbove(keys, after); i < keys.length; i++)
      yield rows.get(keys[i] ?? '') as ItemJson;
  }

  *all(): Generator<ItemJson> {
    for (const hash of this.#partitions.keys()) yield* this.from(hash, undefined);
  }
}

/** The index of the first key that is above `key`. */
function firstAbove(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareText(keys[middle] ?? '', key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
