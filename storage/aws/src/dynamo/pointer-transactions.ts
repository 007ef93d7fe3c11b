import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import type { BatchOperation, Pointer } from '@floecat/storage-spi';

import * as where from './conditions.ts';
import type { Caller, DynamoTable, Place, TransactionRefused } from './dynamo-table.ts';
import { toItem } from './pointer-item.ts';
import { neverKnown, refusedRow } from './refused-row.ts';
import { settle } from './settle.ts';
import type { IntendedWrite } from './settle.ts';
import type { Shards } from './shards.ts';
import type { Moment } from './write-moment.ts';

/** One operation of a transaction, with what is needed to tell how it ended. */
export interface Prepared {
  readonly item: TransactWriteItem;
  /** Absent for checks, which leave no trace to settle by. */
  readonly intended?: IntendedWrite;
}

/** Transactions over rows of pointers. */
export class PointerTransactions {
  readonly #table: DynamoTable;
  readonly #shards: Shards;

  constructor(table: DynamoTable, shards: Shards) {
    this.#table = table;
    this.#shards = shards;
  }

  /** Writes `next` over `current`, or where there is nothing. */
  write(current: Pointer | undefined, next: Pointer, moment: Moment): Prepared {
    const { seconds } = moment;
    const condition = current ? where.still(current, seconds) : where.free(seconds);
    return {
      item: this.#table.putOperation(toItem(this.#shards.ofKey(next.key), next), condition),
      intended: { writeId: moment.writeId, replaced: current, deletes: false },
    };
  }

  delete(row: Pointer, moment: Moment, includeExpired: boolean): Prepared {
    const condition = includeExpired ? where.pinned(row) : where.still(row, moment.seconds);
    return {
      item: this.#table.deleteOperation(this.#place(row.key), condition),
      intended: { writeId: moment.writeId, replaced: row, deletes: true },
    };
  }

  check(row: Pointer, { seconds }: Moment): Prepared {
    return { item: this.#table.checkOperation(this.#place(row.key), where.still(row, seconds)) };
  }

  checkOwner(
    { key, incarnation, states }: BatchOperation & { readonly op: 'check-owner' },
    { seconds }: Moment,
  ): Prepared {
    const condition = where.owner(incarnation, states, seconds);
    return { item: this.#table.checkOperation(this.#place(key), condition) };
  }

  checkAbsent(key: string, { seconds }: Moment): Prepared {
    return { item: this.#table.checkOperation(this.#place(key), where.gone(seconds)) };
  }

  /**
   * One transaction, whose attempts `token` makes one. `undefined` once it is applied; else how each condition fared.
   * Throws `StorageUnknownOutcomeError` where an attempt may have been applied and no row proves it or its contrary.
   */
  async send(
    caller: Caller,
    prepared: readonly Prepared[],
    token: string,
  ): Promise<TransactionRefused | undefined> {
    const refused = await this.#table.transact(
      caller,
      prepared.map(({ item }) => item),
      token,
    );
    return refused && !wasApplied(caller, refused, prepared) ? refused : undefined;
  }

  #place(key: string): Place {
    return { shard: this.#shards.ofKey(key), key };
  }
}

/** Whether a refused transaction was applied after all, by an earlier attempt. One proving row proves it whole. */
function wasApplied(caller: Caller, refused: TransactionRefused, prepared: readonly Prepared[]): boolean {
  if (!refused.mayHaveLanded) return false;
  const proofs = new Set(
    refused.reasons.map((reason, i) => {
      const intended = prepared[i]?.intended;
      return reason.ok || !intended ? 'unknown' : settle(refusedRow(caller, reason.item, true), intended);
    }),
  );
  if (proofs.has('applied')) return true;
  if (proofs.has('conflict')) return false;
  throw neverKnown(caller);
}
