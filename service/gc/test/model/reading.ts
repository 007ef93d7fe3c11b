import assert from 'node:assert/strict';

import type { DamagedRow } from '@floecat/repository';
import { catalogNameKey, namespacePathKey, ownerById, relationNameKey } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';

import type { ModelWorld } from './model-world.ts';
import { LAKE } from './model-world.ts';
import type { Place } from './plan.ts';

/** What a name led to at one moment. */
interface Found {
  /** Write ids of the name pointers on the way. */
  readonly path: readonly (string | undefined)[];
  readonly row: Pointer | undefined;
}

interface LoadedRow {
  readonly pointer: Pointer;
  readonly resource: { readonly location: string };
}

/** One read of a table or view by its name: what it may answer, by what the stores held while it was under way. */
export class Reading {
  readonly #world: ModelWorld;
  readonly #of: 'table' | 'view';
  readonly #at: Place;
  readonly #before: Found;

  constructor(world: ModelWorld, of: 'table' | 'view', at: Place) {
    this.#world = world;
    this.#of = of;
    this.#at = at;
    this.#before = this.#find();
  }

  /** Holds an answer against it. Where neither name nor owner moved meanwhile, there is only one that is right. */
  check(loaded: LoadedRow | undefined, text: Uint8Array | undefined): void {
    const { ledger, tally } = this.#world;
    if (loaded) {
      const { key, writeId } = loaded.pointer;
      assert.ok(ledger.wasWritten(writeId), `a reader was given ${key} as it never was`);
      const before = this.#before.row;
      if (before?.key === key)
        assert.ok(loaded.pointer.version >= before.version, `a reader got ${key} of old`);
      const wanted = ledger.textAt(writeId);
      if (wanted !== undefined) assert.equal(Buffer.from(text ?? []).toString('utf8'), wanted, key);
      tally.reads++;
    }
    const after = this.#find();
    if (!isSame(this.#before, after)) return;
    const { row } = after;
    const isThere =
      row?.state === 'LIVE' || (row?.state === 'DELETING' && !this.#world.oracle.isDropped(row));
    assert.equal(loaded?.pointer.writeId, isThere ? row?.writeId : undefined, `a read of ${this.#at.name}`);
  }

  /** A read that is told that a name or namespace is not there. */
  checkRefused(): void {
    const after = this.#find();
    if (isSame(this.#before, after))
      assert.equal(after.row, undefined, `a reader was told that ${this.#at.name} is not there`);
  }

  #find(): Found {
    const { rows } = this.#world.oracle;
    const { account, levels, name } = this.#at;
    const path: (string | undefined)[] = [];
    const follow = (key: string): string | undefined => {
      const row = rows.get(key);
      path.push(row?.writeId);
      return row?.kind === 'value' ? row.value : undefined;
    };
    const catalog = follow(catalogNameKey(account, LAKE));
    const namespace = catalog && follow(namespacePathKey(account, catalog, levels));
    const collection = this.#of === 'table' ? 'tables' : 'views';
    const id = namespace && follow(relationNameKey(account, namespace, collection, name));
    return { path, row: id === undefined ? undefined : rows.get(ownerById(account, collection, id).key) };
  }
}

function isSame(a: Found, b: Found): boolean {
  return (
    a.row?.writeId === b.row?.writeId &&
    a.path.length === b.path.length &&
    a.path.every((id, i) => b.path[i] === id)
  );
}

/** Everything on a page was so once, and nothing is damaged. */
export function checkListing(
  { ledger }: ModelWorld,
  page: {
    readonly items: readonly { readonly pointer: Pointer }[];
    readonly damaged?: readonly DamagedRow[];
  },
): void {
  assert.deepEqual(page.damaged ?? [], [], 'damaged rows in a listing');
  for (const { pointer } of page.items) ledger.told(pointer);
}
