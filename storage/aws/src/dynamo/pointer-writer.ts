import type {
  CasResult,
  DeleteResult,
  Expected,
  Pointer,
  PointerWrite,
  RandomSource,
  WriteOptions,
} from '@floecat/storage-spi';
import { matches, nextPointer } from '@floecat/storage-spi';

import * as where from './conditions.ts';
import { MAX_PINS } from './dynamo-constants.ts';
import type { Caller, DynamoTable } from './dynamo-table.ts';
import { toItem } from './pointer-item.ts';
import type { PointerReader } from './pointer-reader.ts';
import type { PointerTransactions } from './pointer-transactions.ts';
import { byNumber, neverKnown, neverStill, refusedRow } from './refused-row.ts';
import { settle } from './settle.ts';
import type { Shards } from './shards.ts';
import { momentOf, visible } from './write-moment.ts';

/** What both writers need. */
export interface WriterConfig {
  readonly table: DynamoTable;
  readonly shards: Shards;
  readonly reader: PointerReader;
  readonly transactions: PointerTransactions;
  readonly random: RandomSource;
}

/**
 * The conditional writes of one row. A write is always pinned to the row that it replaces: one by version number reads
 * that row first. So every attempt knows what it would write, and a row found later shows whether it did.
 */
export class PointerWriter {
  readonly #config: WriterConfig;

  constructor(config: WriterConfig) {
    this.#config = config;
  }

  async set(
    caller: Caller,
    key: string,
    expected: Expected,
    next: PointerWrite,
    options?: WriteOptions,
  ): Promise<CasResult> {
    const { table, shards, random } = this.#config;
    for (let pin = 0; pin < MAX_PINS; pin++) {
      const { current, matches: matched } = await this.#pin(caller, key, expected);
      if (!matched) return { applied: false, current };
      const moment = momentOf(table.clock, random, options);
      const pointer = nextPointer(key, current, next, moment);
      const condition = current ? where.still(current, moment.seconds) : where.free(moment.seconds);
      const refused = await table.put(caller, toItem(shards.ofKey(key), pointer), condition);
      if (!refused) return { applied: true, pointer };
      const found = refusedRow(caller, refused.item, refused.mayHaveLanded);
      if (refused.mayHaveLanded) {
        const proof = settle(found, { writeId: moment.writeId, replaced: current, deletes: false });
        if (proof === 'unknown') throw neverKnown(caller);
        if (proof === 'applied') return { applied: true, pointer };
      }
      const now = visible(found, moment);
      // Another incarnation may have come to the version that was asked for; then that one is meant too.
      if (!byNumber(expected) || !matches(now, expected)) return { applied: false, current: now };
    }
    throw neverStill(caller);
  }

  async delete(
    caller: Caller,
    key: string,
    expected: Expected,
    options?: WriteOptions & { readonly includeExpired?: boolean },
  ): Promise<DeleteResult> {
    const { table, transactions, random } = this.#config;
    const includeExpired = options?.includeExpired ?? false;
    for (let pin = 0; pin < MAX_PINS; pin++) {
      const { current, matches: matched } = await this.#pin(caller, key, expected, includeExpired);
      if (!matched || !current) return { applied: false, current };
      const moment = momentOf(table.clock, random, options);
      // The write id; where that request was certainly not applied and another one follows, a fresh one.
      const token = pin === 0 ? moment.writeId : random.uuid();
      const prepared = transactions.delete(current, moment, includeExpired);
      const refused = await transactions.send(caller, [prepared], token);
      if (!refused) return { applied: true, deleted: current };
      const [reason] = refused.reasons;
      const item = reason?.ok === false ? reason.item : undefined;
      const found = refusedRow(caller, item, refused.mayHaveLanded);
      const now = includeExpired ? found : visible(found, moment);
      if (!byNumber(expected) || !matches(now, expected)) return { applied: false, current: now };
    }
    throw neverStill(caller);
  }

  /** The row to replace or delete, and whether it is as expected. A pointer read earlier need not be read again. */
  async #pin(
    caller: Caller,
    key: string,
    expected: Expected,
    includeExpired = false,
  ): Promise<{ readonly matches: boolean; readonly current: Pointer | undefined }> {
    if (typeof expected !== 'number') return { matches: true, current: Object.freeze({ ...expected }) };
    if (expected === 0) return { matches: true, current: undefined };
    const current = await this.#config.reader.get(caller, key, { includeExpired });
    return { matches: matches(current, expected), current };
  }
}
