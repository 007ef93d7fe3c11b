import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import type {
  BatchOperation,
  BatchOutcome,
  BatchResult,
  CasResult,
  DeleteResult,
  Expected,
  Pointer,
  PointerWrite,
  RandomSource,
  WriteOptions,
} from '@floecat/storage-spi';
import {
  decideBatch,
  isExpired,
  matches,
  nextPointer,
  StorageAbortRetryableError,
  StorageUnknownOutcomeError,
} from '@floecat/storage-spi';

import * as where from './conditions.ts';
import { MAX_PINS } from './dynamo-constants.ts';
import type { Caller, DynamoTable, TransactionRefused } from './dynamo-table.ts';
import type { PointerReader } from './pointer-reader.ts';
import { fromItem, toItem } from './pointer-item.ts';
import type { Item } from './pointer-item.ts';
import { settle } from './settle.ts';
import type { IntendedWrite } from './settle.ts';
import type { Shards } from './shards.ts';

export interface PointerWriterConfig {
  readonly table: DynamoTable;
  readonly shards: Shards;
  readonly reader: PointerReader;
  readonly random: RandomSource;
}

/** One operation of a transaction, with what is needed to tell how it ended. */
interface Prepared {
  readonly item: TransactWriteItem;
  /** Absent for checks, which leave no trace to settle by. */
  readonly intended?: IntendedWrite;
}

/** When a write happens: once decided, the same in every attempt. */
interface Moment {
  readonly writeId: string;
  /** Epoch ms by the store, and whole seconds of it. */
  readonly now: number;
  readonly seconds: number;
}

/**
 * The conditional writes. A write is always pinned to the row that it replaces: one by version number reads that row
 * first. So every attempt knows what it would write, and a row found later shows whether it did.
 */
export class PointerWriter {
  readonly #config: PointerWriterConfig;

  constructor(config: PointerWriterConfig) {
    this.#config = config;
  }

  async set(
    caller: Caller,
    key: string,
    expected: Expected,
    next: PointerWrite,
    options?: WriteOptions,
  ): Promise<CasResult> {
    const { table, shards } = this.#config;
    for (let pin = 0; pin < MAX_PINS; pin++) {
      const { current, matches: matched } = await this.#pin(caller, key, expected);
      if (!matched) return { applied: false, current };
      const moment = this.#moment(options);
      const pointer = nextPointer(key, current, next, moment);
      const condition = current ? still(current, moment) : where.free(moment.seconds);
      const refused = await table.put(caller, toItem(shards.ofKey(key), pointer), condition);
      if (!refused) return { applied: true, pointer };
      const found = read(caller, refused.item, refused.mayHaveLanded);
      if (refused.mayHaveLanded) {
        const write = { writeId: moment.writeId, replaced: current, deletes: false };
        if (proof(caller, found, write) === 'applied') return { applied: true, pointer };
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
    const includeExpired = options?.includeExpired ?? false;
    for (let pin = 0; pin < MAX_PINS; pin++) {
      const { current, matches: matched } = await this.#pin(caller, key, expected, includeExpired);
      if (!matched || !current) return { applied: false, current };
      const moment = this.#moment(options);
      const prepared = this.#prepareDelete(current, moment, includeExpired);
      const refused = await this.#config.table.transact(caller, [prepared.item], this.#token(pin, moment));
      if (!refused || settledAsApplied(caller, refused, [prepared]))
        return { applied: true, deleted: current };
      const [reason] = refused.reasons;
      const found = read(caller, reason?.ok === false ? reason.item : undefined, refused.mayHaveLanded);
      const now = includeExpired ? found : visible(found, moment);
      if (!byNumber(expected) || !matches(now, expected)) return { applied: false, current: now };
    }
    throw neverStill(caller);
  }

  async batch(
    caller: Caller,
    operations: readonly BatchOperation[],
    options?: WriteOptions,
  ): Promise<BatchResult> {
    for (let pin = 0; pin < MAX_PINS; pin++) {
      const view = await this.#view(caller, operations, needsReading);
      const moment = this.#moment(options);
      const decision = decideBatch(operations, (key) => view.get(key), moment);
      if (!decision.applied) {
        // Certainly a conflict. To say how the others fare, they have to be read too.
        const whole = await this.#view(caller, operations, () => true);
        const again = decideBatch(operations, (key) => whole.get(key), moment);
        if (again.applied) continue;
        return again;
      }
      const written = new Map(decision.writes);
      const prepared = operations.map((operation) => this.#prepare(operation, view, written, moment));
      const items = prepared.map(({ item }) => item);
      const refused = await this.#config.table.transact(caller, items, this.#token(pin, moment));
      if (!refused || settledAsApplied(caller, refused, prepared))
        return { applied: true, pointers: decision.pointers };
      const outcomes = operations.map((operation, i) =>
        outcomeOf(caller, operation, refused.reasons[i], moment),
      );
      if (outcomes.some(({ ok }) => !ok)) return { applied: false, outcomes };
    }
    throw neverStill(caller);
  }

  /**
   * Deletes rows as they were listed, expired or not, in one transaction at a time; rows that changed meanwhile are
   * left out of the next one. Answers the rows that were deleted.
   */
  async deleteListed(caller: Caller, rows: readonly Pointer[]): Promise<readonly Pointer[]> {
    let left = rows;
    while (left.length > 0) {
      const moment = this.#moment();
      const prepared = left.map((row) => this.#prepareDelete(row, moment, true));
      const items = prepared.map(({ item }) => item);
      const refused = await this.#config.table.transact(caller, items, moment.writeId);
      if (!refused || settledAsApplied(caller, refused, prepared)) return left;
      left = left.filter((_, i) => refused.reasons[i]?.ok === true);
    }
    return left;
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

  /** The rows as the operations expect them, or as they are where `reads` says so. */
  async #view(
    caller: Caller,
    operations: readonly BatchOperation[],
    reads: (operation: BatchOperation) => boolean,
  ): Promise<ReadonlyMap<string, Pointer | undefined>> {
    const asked = operations.filter(reads).map(({ key }) => key);
    const found = await this.#config.reader.getBatch(caller, asked);
    const view = new Map(asked.map((key, i) => [key, found[i]]));
    for (const operation of operations) {
      if (view.has(operation.key) || !('expected' in operation)) continue;
      if (typeof operation.expected !== 'number') view.set(operation.key, operation.expected);
    }
    return view;
  }

  #prepare(
    operation: BatchOperation,
    view: ReadonlyMap<string, Pointer | undefined>,
    written: ReadonlyMap<string, Pointer | undefined>,
    moment: Moment,
  ): Prepared {
    const { table, shards } = this.#config;
    const { key } = operation;
    const place = { shard: shards.ofKey(key), key };
    const current = view.get(key);
    switch (operation.op) {
      case 'upsert': {
        const condition = current ? still(current, moment) : where.free(moment.seconds);
        return {
          item: table.putOperation(toItem(place.shard, written.get(key) as Pointer), condition),
          intended: { writeId: moment.writeId, replaced: current, deletes: false },
        };
      }
      case 'delete':
        return this.#prepareDelete(current as Pointer, moment, false);
      case 'check':
        return { item: table.checkOperation(place, still(current as Pointer, moment)) };
      case 'check-owner': {
        const { incarnation, states } = operation;
        const alive = where.all(where.owner(incarnation, states), where.live(moment.seconds));
        return { item: table.checkOperation(place, alive) };
      }
      case 'check-absent':
        return {
          item: table.checkOperation(place, where.any(where.absent, where.expired(moment.seconds))),
        };
    }
  }

  #prepareDelete(row: Pointer, moment: Moment, includeExpired: boolean): Prepared {
    const { table, shards } = this.#config;
    const place = { shard: shards.ofKey(row.key), key: row.key };
    return {
      item: table.deleteOperation(place, includeExpired ? where.pinned(row) : still(row, moment)),
      intended: { writeId: moment.writeId, replaced: row, deletes: true },
    };
  }

  #moment(options?: WriteOptions): Moment {
    const now = this.#config.table.clock.now();
    const writeId = options?.writeId ?? this.#config.random.uuid();
    return { writeId, now, seconds: Math.floor(now / 1000) };
  }

  /** The write id. Where that request was certainly not applied and another one follows, a fresh one. */
  #token(pin: number, moment: Moment): string {
    return pin === 0 ? moment.writeId : this.#config.random.uuid();
  }
}

function needsReading(operation: BatchOperation): boolean {
  if (operation.op === 'check-owner') return true;
  return 'expected' in operation && byNumber(operation.expected);
}

function byNumber(expected: Expected): expected is number {
  return typeof expected === 'number' && expected > 0;
}

/** The row is as it was, and has not expired since. */
function still(row: Pointer, { seconds }: Moment): where.Clause {
  return where.all(where.pinned(row), where.live(seconds));
}

/** The row that a refusal brought back. One that cannot be read proves nothing either. */
function read(caller: Caller, item: Item | undefined, mayHaveLanded: boolean): Pointer | undefined {
  try {
    return item && fromItem(item, caller.operation);
  } catch (cause) {
    throw mayHaveLanded ? neverKnown(caller, cause) : cause;
  }
}

function visible(pointer: Pointer | undefined, { now }: Moment): Pointer | undefined {
  return pointer && !isExpired(pointer, now) ? pointer : undefined;
}

/** How an operation of a cancelled transaction fared, by what was asked for, which may be less than its pin. */
function outcomeOf(
  caller: Caller,
  operation: BatchOperation,
  reason: TransactionRefused['reasons'][number] | undefined,
  moment: Moment,
): BatchOutcome {
  if (!reason || reason.ok) return { ok: true };
  const current = visible(read(caller, reason.item, false), moment);
  const held =
    'expected' in operation && byNumber(operation.expected) && matches(current, operation.expected);
  return held ? { ok: true } : { ok: false, current };
}

/** Whether a refused transaction was applied after all, by an earlier attempt. One proving row proves it whole. */
function settledAsApplied(
  caller: Caller,
  refused: TransactionRefused,
  prepared: readonly Prepared[],
): boolean {
  if (!refused.mayHaveLanded) return false;
  const proofs = new Set(
    refused.reasons.map((reason, i) => {
      const intended = prepared[i]?.intended;
      return reason.ok || !intended ? 'unknown' : settle(read(caller, reason.item, true), intended);
    }),
  );
  if (proofs.has('applied')) return true;
  if (proofs.has('conflict')) return false;
  throw neverKnown(caller);
}

function proof(caller: Caller, found: Pointer | undefined, write: IntendedWrite): 'applied' | 'conflict' {
  const proven = settle(found, write);
  if (proven === 'unknown') throw neverKnown(caller);
  return proven;
}

function neverKnown({ operation, key }: Caller, cause?: unknown): StorageUnknownOutcomeError {
  return new StorageUnknownOutcomeError(
    `${operation} ${JSON.stringify(key)}: an attempt may have been applied, and what is there now does not tell; read before you repeat it`,
    { operation, key, cause },
  );
}

function neverStill({ operation, key }: Caller): StorageAbortRetryableError {
  return new StorageAbortRetryableError(
    `${operation} ${JSON.stringify(key)}: deleted and created again ${MAX_PINS} times meanwhile; not applied, try again`,
    { operation, key },
  );
}
