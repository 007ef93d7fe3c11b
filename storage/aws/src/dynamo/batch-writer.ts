import type {
  BatchOperation,
  BatchOutcome,
  BatchResult,
  Expected,
  Pointer,
  WriteOptions,
} from '@floecat/storage-spi';
import { decideBatch, matches, nextPointer } from '@floecat/storage-spi';

import { MAX_PINS } from './dynamo-constants.ts';
import type { Caller, TransactionRefused } from './dynamo-table.ts';
import type { Prepared } from './pointer-transactions.ts';
import type { WriterConfig } from './pointer-writer.ts';
import { byNumber, neverStill, refusedRow } from './refused-row.ts';
import type { Moment } from './write-moment.ts';
import { momentOf, visible } from './write-moment.ts';

/** One operation, and the pointer that it answers once the batch is applied. */
interface Step {
  readonly prepared: Prepared;
  readonly pointer: Pointer | undefined;
}

type Rows = ReadonlyMap<string, Pointer | undefined>;

const NO_ROWS: Rows = new Map();

/**
 * Batches, each one transaction. As every write, its operations are pinned to rows: those by version number are read
 * first, in one request, and nothing else is.
 */
export class BatchWriter {
  readonly #config: WriterConfig;

  constructor(config: WriterConfig) {
    this.#config = config;
  }

  async batch(
    caller: Caller,
    operations: readonly BatchOperation[],
    options?: WriteOptions,
  ): Promise<BatchResult> {
    const { table, transactions, random } = this.#config;
    for (let pin = 0; pin < MAX_PINS; pin++) {
      const rows = await this.#read(caller, operations.filter(isByNumber));
      const moment = momentOf(table.clock, random, options);
      if (operations.some((operation) => isByNumber(operation) && !holds(operation, rows))) {
        const conflict = await this.#conflict(caller, operations, moment);
        if (conflict) return conflict;
        continue;
      }
      const steps = operations.map((operation) => this.#step(operation, rows, moment));
      // The write id; where that request was certainly not applied and another one follows, a fresh one.
      const token = pin === 0 ? moment.writeId : random.uuid();
      const refused = await transactions.send(
        caller,
        steps.map(({ prepared }) => prepared),
        token,
      );
      if (!refused) return { applied: true, pointers: steps.map(({ pointer }) => pointer) };
      const outcomes = operations.map((operation, i) =>
        outcomeOf(caller, operation, refused.reasons[i], moment),
      );
      if (outcomes.some(({ ok }) => !ok)) return { applied: false, outcomes };
    }
    throw neverStill(caller);
  }

  #step(operation: BatchOperation, rows: Rows, moment: Moment): Step {
    const { transactions } = this.#config;
    switch (operation.op) {
      case 'upsert': {
        const current = pinnedRow(operation, rows);
        const pointer = nextPointer(operation.key, current, operation.next, moment);
        return { prepared: transactions.write(current, pointer, moment), pointer };
      }
      case 'delete': {
        const row = pinnedRow(operation, rows) as Pointer;
        return { prepared: transactions.delete(row, moment, false), pointer: undefined };
      }
      case 'check': {
        const row = pinnedRow(operation, rows) as Pointer;
        return { prepared: transactions.check(row, moment), pointer: row };
      }
      case 'check-owner':
        return { prepared: transactions.checkOwner(operation, moment), pointer: undefined };
      case 'check-absent':
        return { prepared: transactions.checkAbsent(operation.key, moment), pointer: undefined };
    }
  }

  /** The result of a batch of which some version was found to be another; to say how the rest fares, all is read. */
  async #conflict(
    caller: Caller,
    operations: readonly BatchOperation[],
    moment: Moment,
  ): Promise<BatchResult | undefined> {
    const rows = await this.#read(caller, operations);
    const decision = decideBatch(operations, (key) => rows.get(key), moment);
    return decision.applied ? undefined : decision;
  }

  async #read(caller: Caller, operations: readonly BatchOperation[]): Promise<Rows> {
    if (operations.length === 0) return NO_ROWS;
    const keys = operations.map(({ key }) => key);
    const found = await this.#config.reader.getBatch(caller, keys);
    return new Map(keys.map((key, i) => [key, found[i]]));
  }
}

type Expecting = BatchOperation & { readonly expected: Expected };

function isByNumber(operation: BatchOperation): operation is Expecting & { readonly expected: number } {
  return 'expected' in operation && byNumber(operation.expected);
}

function holds({ key, expected }: Expecting, rows: Rows): boolean {
  return matches(rows.get(key), expected);
}

/** The row that an operation replaces, deletes or checks; `undefined` for a create. */
function pinnedRow({ key, expected }: Expecting, rows: Rows): Pointer | undefined {
  return typeof expected === 'number' ? rows.get(key) : Object.freeze({ ...expected });
}

/** How an operation of a cancelled transaction fared, by what was asked for, which may be less than its pin. */
function outcomeOf(
  caller: Caller,
  operation: BatchOperation,
  reason: TransactionRefused['reasons'][number] | undefined,
  moment: Moment,
): BatchOutcome {
  if (!reason || reason.ok) return { ok: true };
  const current = visible(refusedRow(caller, reason.item, false), moment);
  const held = isByNumber(operation) && matches(current, operation.expected);
  return held ? { ok: true } : { ok: false, current };
}
