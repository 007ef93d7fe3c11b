import assert from 'node:assert/strict';

import type { Pointer } from '@floecat/storage-spi';

import type { DecodedRoot } from './decode.ts';

/**
 * Every name leads to an owner that bears it, every owner has the names that it says, and no name has two. `byHand` are
 * rows, by write id, that a hand put there.
 */
export function checkNames(
  rows: ReadonlyMap<string, Pointer>,
  rootOf: (row: Pointer) => DecodedRoot | undefined,
  byHand: ReadonlySet<string>,
): void {
  const bearers = new Map<string, string>();
  for (const row of rows.values()) {
    if (row.kind !== 'blob') continue;
    for (const { key } of rootOf(row)?.envelope.names ?? []) {
      assert.equal(bearers.get(key), undefined, `${key} is borne twice`);
      bearers.set(key, row.key);
      const name = rows.get(key);
      if (name?.kind !== 'value' || !row.key.endsWith(`/${name.value}`))
        assert.fail(`${row.key} bears ${key}, which ${name ? 'leads elsewhere' : 'is not there'}`);
    }
  }
  for (const row of rows.values())
    if (row.kind === 'value' && row.expiresAt === undefined && !bearers.has(row.key))
      assert.ok(byHand.has(row.writeId), `${row.key} leads to ${row.value}, which does not bear it`);
}
