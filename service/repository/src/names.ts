import { InvalidArgumentError } from '@floecat/storage-spi';

import { LEVEL_SEPARATOR } from './pointer-keys.ts';

/** Refuses a name that is empty or holds the level separator; the store refuses what is too long as a key. */
export function checkName(what: string, name: string): void {
  const refuse = (why: string): never => {
    throw new InvalidArgumentError(`${what} ${JSON.stringify(name)} ${why}`, {
      operation: 'check name',
      key: name,
    });
  };
  if (name === '') refuse('is empty: give it a name');
  if (name.includes(LEVEL_SEPARATOR)) refuse('holds U+001F, which separates the levels of a namespace');
}

/** A namespace for people: its levels joined by dots. */
export function dotted(levels: readonly string[]): string {
  return levels.join('.');
}
