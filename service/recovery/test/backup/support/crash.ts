import type { BackupTarget, RecoveryContext } from '@floecat/recovery';
import type { PointerStore, Storage } from '@floecat/storage-spi';

/** The process is gone: this and every later call fails. */
export class Crash extends Error {}

/** Whether the call that the process dies in was carried out. */
export type When = 'before' | 'after';

/** Everything that a backup changes passes here; the process dies in the `at`-th of these calls. */
export class CrashPoint {
  readonly #at: number;
  readonly #when: When;
  calls = 0;
  #dead = false;

  constructor(at = Infinity, when: When = 'before') {
    this.#at = at;
    this.#when = when;
  }

  context(context: RecoveryContext): RecoveryContext {
    const { storage } = context;
    const system = this.#over(storage.system, ['compareAndSet', 'compareAndSetBatch', 'compareAndDelete']);
    const pointers = this.#over<PointerStore>(storage.pointers, []);
    const crashing: Storage = { ...storage, system, pointers, close: () => storage.close() };
    return { ...context, storage: crashing };
  }

  target(target: BackupTarget): BackupTarget {
    return this.#over(target, ['put', 'delete']);
  }

  #over<T extends object>(real: T, effects: readonly (keyof T & string)[]): T {
    const pass = async (isEffect: boolean, call: () => Promise<unknown>): Promise<unknown> => {
      if (this.#dead) throw new Crash('dead');
      if (!isEffect || ++this.calls !== this.#at) return call();
      this.#dead = true;
      if (this.#when === 'after') await call();
      throw new Crash(`died ${this.#when} call ${this.calls}`);
    };
    return new Proxy(real, {
      get: (target, name) => {
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== 'function' || typeof name === 'symbol' || name === 'list') return member;
        const isEffect = effects.includes(name as keyof T & string);
        return (...args: unknown[]) => pass(isEffect, async () => member.apply(target, args) as unknown);
      },
    });
  }
}
