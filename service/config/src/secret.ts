import { inspect } from 'node:util';

const MASK = '***';

/** A value that prints as `***` wherever it is printed: as text, in JSON, in `util.inspect` and so in logs. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Call it where the value is used, and keep what it answers out of fields and messages. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}
