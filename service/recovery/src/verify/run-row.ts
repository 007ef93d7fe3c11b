import { verifyRunKey } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';

import { RecoveryRefusedError } from '../errors.ts';
import { callOf } from '../recovery-context.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import type { VerifyState } from './verify-state.ts';

/** How long a run that was interrupted can be resumed. */
export const RESUMABLE_SECONDS = 7 * 24 * 3_600;

/** The system row of a run. One process at a time goes on with it: whoever comes second is refused. */
export class RunRow {
  readonly id: string;
  readonly #context: RecoveryContext;
  #row: Pointer | undefined;

  private constructor(context: RecoveryContext, id: string, row: Pointer | undefined) {
    this.#context = context;
    this.id = id;
    this.#row = row;
  }

  static begin(context: RecoveryContext): RunRow {
    return new RunRow(context, context.random.uuid(), undefined);
  }

  /** The run `id`, where it stands. Throws `RecoveryRefusedError` where there is none to resume. */
  static async resume(
    context: RecoveryContext,
    id: string,
  ): Promise<{ readonly run: RunRow; readonly state: VerifyState }> {
    const row = await context.storage.system.get(verifyRunKey(id), callOf(context));
    if (row?.kind !== 'value')
      throw new RecoveryRefusedError(
        `there is no verification ${id} to resume: it came to its end, or was interrupted more than 7 days ago; begin anew`,
      );
    const state = JSON.parse(row.value) as Omit<VerifyState, 'format'> & { readonly format: number };
    if (state.format !== 1)
      throw new RecoveryRefusedError(
        `the verification ${id} was begun by a newer version: resume it with that`,
      );
    return { run: new RunRow(context, id, row), state: { ...state, format: 1 } };
  }

  async save(state: VerifyState): Promise<void> {
    const { storage, clock } = this.#context;
    const expiresAt = Math.floor(clock.now() / 1000) + RESUMABLE_SECONDS;
    const result = await storage.system.compareAndSet(
      verifyRunKey(this.id),
      this.#row ?? 0,
      { kind: 'value', value: JSON.stringify(state), expiresAt },
      callOf(this.#context),
    );
    if (result.applied) {
      this.#row = result.pointer;
      return;
    }
    // One that expired while the process stood still is nobody else's.
    if (result.current || !this.#row) throw this.#taken();
    this.#row = undefined;
    await this.save(state);
  }

  /** It came to its end. */
  async end(): Promise<void> {
    if (!this.#row) return;
    const { storage } = this.#context;
    const result = await storage.system.compareAndDelete(
      verifyRunKey(this.id),
      this.#row,
      callOf(this.#context),
    );
    if (!result.applied && result.current) throw this.#taken();
  }

  #taken(): RecoveryRefusedError {
    return new RecoveryRefusedError(
      `another process goes on with the verification ${this.id}: let it, or begin another one`,
    );
  }
}
