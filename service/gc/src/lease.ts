import { leaseKey } from '@floecat/repository';
import { StorageUnknownOutcomeError } from '@floecat/storage-spi';

import { GcSupersededError } from './errors.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';
import type { CollectorName } from './settings.ts';
import { storeTime } from './store-time.ts';
import { SystemState } from './system-state.ts';

/** What is left of a lease when it is renewed, at least: a run renews it before each slice. */
const LEASE_MS = 120_000;

export interface LeaseHolder {
  readonly holder: string;
  /** Epoch ms, by the store's clock. */
  readonly since: number;
}

/**
 * Keeps two processes from doing the same work. Nothing else rests on it: a process that is stopped for longer than its
 * lease, and goes on beside its successor, deletes nothing that it may not.
 */
export class Lease {
  readonly #context: GcContext;
  readonly #row: SystemState<LeaseHolder>;
  readonly #held: LeaseHolder;
  readonly #ms: number;
  #renewAt: number;

  private constructor(context: GcContext, row: SystemState<LeaseHolder>, held: LeaseHolder, ms: number) {
    this.#context = context;
    this.#row = row;
    this.#held = held;
    this.#ms = ms;
    this.#renewAt = context.clock.monotonic() + LEASE_MS / 4;
  }

  /** The lease, or who holds it. */
  static async take(context: GcContext, collector: CollectorName): Promise<Lease | LeaseHolder> {
    const { storage, random, settings } = context;
    const call = callOf(context);
    const now = await storeTime(context);
    const row = await SystemState.read<LeaseHolder>(
      { system: storage.system, random },
      leaseKey(collector),
      call,
    );
    if (row.value) return row.value;
    const ms = LEASE_MS + 2 * settings[collector].sliceMs;
    const held = { holder: random.uuid(), since: now };
    try {
      await row.save(held, { ...call, expiresAt: expiryOf(now, ms) });
    } catch (error) {
      if (!(error instanceof GcSupersededError)) throw error;
      return { holder: 'another process', since: now };
    }
    return new Lease(context, row, held, ms);
  }

  /** To be called before each slice. Throws `GcSupersededError` where it ran out and another process took it. */
  async renew(): Promise<void> {
    const { clock } = this.#context;
    if (clock.monotonic() < this.#renewAt) return;
    const now = await storeTime(this.#context);
    await this.#row.save(this.#held, { ...callOf(this.#context), expiresAt: expiryOf(now, this.#ms) });
    this.#renewAt = clock.monotonic() + LEASE_MS / 4;
  }

  /** Gives it back. Best effort: it expires by itself. */
  async release(): Promise<void> {
    try {
      await this.#row.clear();
    } catch (error) {
      if (!(error instanceof GcSupersededError || error instanceof StorageUnknownOutcomeError)) throw error;
    }
  }
}

function expiryOf(now: number, ms: number): number {
  return Math.ceil((now + ms) / 1000);
}
