import { hash } from 'node:crypto';

import { MAX_SHARDS, SHARD_DIGITS } from './dynamo-constants.ts';

/**
 * The part of a key that decides its shard: through the fifth slash if it starts with one, else through the fourth;
 * `undefined` where it has fewer.
 */
function scopeIn(text: string): string | undefined {
  let left = text.startsWith('/') ? 5 : 4;
  for (let i = text.indexOf('/'); i >= 0; i = text.indexOf('/', i + 1))
    if (--left === 0) return text.slice(0, i + 1);
  return undefined;
}

/** Where keys live. Keys of one scope share a shard, so that a listing within it is one Query. */
export class Shards {
  readonly count: number;
  /** All of them, in the order of their numbers. */
  readonly names: readonly string[];

  constructor(count: number) {
    if (!Number.isInteger(count) || count < 1 || count > MAX_SHARDS)
      throw new RangeError(`${count} shards; there can be 1 to ${MAX_SHARDS}`);
    this.count = count;
    this.names = Array.from({ length: count }, (_, i) => nameOf(i));
  }

  ofKey(key: string): string {
    return this.#ofScope(scopeIn(key) ?? key);
  }

  /** The shards in which keys that start with `prefix` can be: one if the prefix holds their whole scope, else all. */
  ofPrefix(prefix: string): readonly string[] {
    const scope = scopeIn(prefix);
    return scope === undefined ? this.names : [this.#ofScope(scope)];
  }

  #ofScope(scope: string): string {
    return nameOf(hash('sha256', scope, 'buffer').readUInt32BE(0) % this.count);
  }
}

function nameOf(number: number): string {
  return String(number).padStart(SHARD_DIGITS, '0');
}
