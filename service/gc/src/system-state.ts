import type { CallOptions, Pointer, PointerStore, RandomSource } from '@floecat/storage-spi';
import { StorageMisconfiguredError, StorageUnknownOutcomeError } from '@floecat/storage-spi';

import { GcSupersededError } from './errors.ts';

const FORMAT = 1;

/**
 * A JSON document in a row of the system store. Every write compares the row that was read or written before, so of two
 * processes that work on the same thing one learns at its next write that it does not any more.
 */
export class SystemState<T extends object> {
  readonly key: string;
  readonly #system: PointerStore;
  readonly #random: RandomSource;
  #pointer: Pointer | undefined;
  #value: T | undefined;

  private constructor(system: PointerStore, random: RandomSource, key: string, pointer: Pointer | undefined) {
    this.key = key;
    this.#system = system;
    this.#random = random;
    this.#pointer = pointer;
    this.#value = pointer && parseState<T>(pointer);
  }

  static async read<T extends object>(
    { system, random }: { readonly system: PointerStore; readonly random: RandomSource },
    key: string,
    options: CallOptions,
  ): Promise<SystemState<T>> {
    return new SystemState<T>(system, random, key, await system.get(key, options));
  }

  get value(): T | undefined {
    return this.#value;
  }

  /** Answers the store's time, epoch ms. */
  async save(value: T, options: CallOptions & { readonly expiresAt?: number } = {}): Promise<number> {
    const { expiresAt, ...call } = options;
    const text = JSON.stringify({ format: FORMAT, ...value });
    const next = { kind: 'value', value: text, ...(expiresAt !== undefined && { expiresAt }) } as const;
    const writeId = this.#random.uuid();
    let pointer: Pointer | undefined;
    try {
      const result = await this.#system.compareAndSet(this.key, this.#pointer ?? 0, next, {
        writeId,
        ...call,
      });
      if (result.applied) ({ pointer } = result);
    } catch (error) {
      if (!(error instanceof StorageUnknownOutcomeError) || call.signal?.aborted) throw error;
      pointer = await this.#system.get(this.key, call);
      if (pointer?.writeId !== writeId) throw error;
    }
    if (!pointer) throw this.#superseded();
    this.#pointer = pointer;
    this.#value = value;
    return pointer.updatedAt;
  }

  /** Removes the row. */
  async clear(options: CallOptions = {}): Promise<void> {
    if (!this.#pointer) return;
    const result = await this.#system.compareAndDelete(this.key, this.#pointer, options);
    if (!result.applied && result.current) throw this.#superseded();
    this.#pointer = undefined;
    this.#value = undefined;
  }

  #superseded(): GcSupersededError {
    return new GcSupersededError(`another process has written ${this.key}; it goes on with this work`, {
      key: this.key,
    });
  }
}

/** What a row of {@link SystemState} holds. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what its row holds
export function parseState<T extends object>(pointer: Pointer): T {
  const { format, ...value } = JSON.parse(pointer.kind === 'value' ? pointer.value : '{}') as T & {
    readonly format?: number;
  };
  if (format !== FORMAT)
    throw new StorageMisconfiguredError(
      `the system row ${pointer.key} has format ${String(format)}, and this version reads ${FORMAT}: run a newer one`,
      { operation: 'gc', key: pointer.key },
    );
  return value as unknown as T;
}
