import type { Envelope } from '@floecat/proto/envelope';
import type { OwnerRef } from '@floecat/repository';
import { shapeOfKey } from '@floecat/repository';

/** A row that a transaction writes. */
export interface Effect {
  readonly key: string;
  /** 0 for one that it deletes. */
  readonly version: number;
  /** Of a row that holds a value. */
  readonly value?: string;
}

/** What each root of a transaction says of all of it. */
export interface Transaction {
  readonly writeId: string;
  readonly effects: readonly Effect[];
  /** The owners that it changes, with the versions that it gives them. */
  readonly owners: readonly { readonly owner: OwnerRef; readonly version: number }[];
}

const HELD = 1_024;

/** So that the roots of one transaction, which lie side by side, share what they all say. */
export class TransactionPool {
  readonly #held = new Map<string, Transaction>();

  of({ writeId, transaction }: Envelope): Transaction {
    const held = this.#held.get(writeId);
    if (held?.effects.length === transaction.length) return held;
    const effects = transaction.map(({ key, version, target }): Effect => ({
      key,
      version: Number(version),
      ...(target.case === 'value' && { value: target.value }),
    }));
    const owners = effects.flatMap(({ key, version }) => {
      const shape = version > 0 ? shapeOfKey(key) : undefined;
      return shape?.is === 'canonical' ? [{ owner: shape.owner, version }] : [];
    });
    const made = { writeId, effects, owners };
    this.#held.set(writeId, made);
    if (this.#held.size > HELD) {
      const [oldest] = this.#held.keys();
      if (oldest !== undefined) this.#held.delete(oldest);
    }
    return made;
  }
}
