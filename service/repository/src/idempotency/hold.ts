import type { BatchOperation, Pointer } from '@floecat/storage-spi';
import { StorageUnknownOutcomeError } from '@floecat/storage-spi';

import { IdempotencySupersededError } from '../errors.ts';
import type { RepositoryContext } from '../repository-context.ts';
import type { IdempotencyRecord, Json } from './idempotency-record.ts';
import { checkResult, decodeRecord } from './idempotency-record.ts';
import { deleteRecord, recordWrite, writeRecord } from './record-row.ts';

/** One call of `runOnce`. */
export interface Holder {
  readonly key: string;
  readonly fingerprint: string;
  /** Of this call alone: what it wrote, it knows for its own. */
  readonly holder: string;
}

/** What is found of a record when it is let go. */
export type Found =
  /** Just now it was as it was before the operation: nothing was applied, nor will be. */
  | { readonly is: 'untouched' }
  /** The operation's own transaction wrote its result. */
  | { readonly is: 'done'; readonly result: Json }
  /** Another call has it, or it has expired. */
  | { readonly is: 'lost' };

/**
 * A record that is held while its operation runs. It is renewed meanwhile, until {@link completing} is called: from then
 * on its row stays as it is, since the operation's transaction compares it. Whoever takes over rewrites the row, and so
 * does whoever tries again or lets go: no transaction that is still on its way can be applied after that.
 */
export class Hold<T extends Json> {
  readonly #context: RepositoryContext;
  readonly #of: Holder;
  readonly #stopping = new AbortController();
  readonly #lost = new AbortController();
  readonly #renewals: Promise<void>;
  #row: Pointer;
  #completing = false;

  constructor(context: RepositoryContext, of: Holder, row: Pointer) {
    this.#context = context;
    this.#of = of;
    this.#row = row;
    this.#renewals = this.#renew();
  }

  /** As it is held, or was the last time. */
  get row(): Pointer {
    return this.#row;
  }

  /** Aborted once another call is known to have taken over. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Ends the renewals. */
  async stop(): Promise<void> {
    this.#stopping.abort(ENDED);
    await this.#renewals;
  }

  /** The write that records `result`, on condition that the record is still this holder's. */
  async completing(result: T): Promise<BatchOperation> {
    const next = recordWrite(this.#context, this.#done(result));
    await this.stop();
    this.#lost.signal.throwIfAborted();
    this.#completing = true;
    return { op: 'upsert', key: this.#row.key, expected: this.#row, next };
  }

  /**
   * Records the result of an operation that succeeded, unless its own transaction did, and answers it as it is recorded.
   * `lost` where another call has taken over, or the record has expired. Where it cannot be told,
   * `StorageUnknownOutcomeError`.
   */
  async finish(result: T): Promise<Exclude<Found, { is: 'untouched' }>> {
    const done = this.#done(result);
    await this.stop();
    try {
      if (this.#completing) {
        const now = await this.#context.storage.pointers.get(this.#row.key);
        if (now?.writeId !== this.#row.writeId) return this.#found(now);
      }
      const write = await writeRecord(this.#context, this.#of.key, this.#row, done, {});
      return this.#found(write.applied ? write.row : write.current);
    } catch (cause) {
      const { key } = this.#row;
      const message = `the operation has ended, but it could not be found out whether ${key} tells so: call again with the same key`;
      throw new StorageUnknownOutcomeError(message, { operation: 'runOnce', key, cause });
    }
  }

  /** Lets go of the record after an operation that failed, so that another call can try at once. */
  async release(): Promise<Found> {
    await this.stop();
    const { applied, current } = await deleteRecord(this.#context, this.#row);
    return applied ? { is: 'untouched' } : this.#found(current);
  }

  /** Why this call does not go on. */
  superseded(): IdempotencySupersededError {
    const key = JSON.stringify(this.#of.key);
    return new IdempotencySupersededError(
      `the idempotent run ${key} took longer than its lease, and another call has taken it over`,
    );
  }

  #done(result: T): IdempotencyRecord {
    return { ...this.#identity(), state: 'done', result: checkResult(result) };
  }

  #identity(): { readonly fingerprint: string; readonly holder: string } {
    const { fingerprint, holder } = this.#of;
    return { fingerprint, holder };
  }

  #found(row: Pointer | undefined): Exclude<Found, { is: 'untouched' }> {
    const record = row && decodeRecord(row);
    return record?.state === 'done' && record.holder === this.#of.holder
      ? { is: 'done', result: record.result }
      : { is: 'lost' };
  }

  async #renew(): Promise<void> {
    const { clock, idempotency } = this.#context;
    const { signal } = this.#stopping;
    const every = idempotency.leaseMs / 3;
    for (;;) {
      const began = clock.monotonic();
      try {
        await clock.sleep(every, signal);
      } catch {
        return;
      }
      // A clock that does not wait, as some tests have it, has no leases.
      if (signal.aborted || clock.monotonic() - began < every / 2) return;
      await this.#renewOnce(every);
      if (this.#lost.signal.aborted) return;
    }
  }

  async #renewOnce(deadlineMs: number): Promise<void> {
    const { retry, idempotency, storage } = this.#context;
    const context = {
      ...this.#context,
      retry: { ...retry, deadlineMs: Math.min(retry.deadlineMs, deadlineMs) },
    };
    const { leaseMs } = idempotency;
    try {
      const held: IdempotencyRecord = { ...this.#identity(), state: 'held', leaseMs };
      const write = await writeRecord(context, this.#of.key, this.#row, held, {});
      this.#adopt(write.applied ? write.row : write.current);
    } catch {
      // It may have been written, or may be yet. If it cannot even be read, the next renewal or the commit finds out.
      await storage.pointers.get(this.#row.key).then(
        (now) => this.#adopt(now),
        () => undefined,
      );
    }
  }

  /** Goes on with the row as it is now, if it is still this holder's. */
  #adopt(row: Pointer | undefined): void {
    const record = row && decodeRecord(row);
    if (row && record?.state === 'held' && record.holder === this.#of.holder) this.#row = row;
    else this.#lost.abort(this.superseded());
  }
}

const ENDED = new Error('the run has ended');
