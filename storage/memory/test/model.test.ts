import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openMemoryStorage } from '@floecat/storage-memory';
import type {
  BatchOperation,
  Expected,
  ImportMode,
  Pointer,
  PointerStore,
  PointerWrite,
} from '@floecat/storage-spi';
import { FakeClock, seededRandom } from '@floecat/storage-testkit';
import * as fc from 'fast-check';

import { NaivePointers } from './naive-pointers.ts';

const KEYS = ['/a', '/a/', '/a/b', '/ab', '/\uff61', '/\u{10000}', 'a'];
const PREFIXES = ['', '/', '/a', '/a/', '/\u{10000}', 'b'];

/** Which row a write expects: a number, what is stored now, or what was stored some time ago. */
type Guess = number | 'current' | 'old';

type Step =
  | { readonly do: 'get'; readonly keys: readonly string[] }
  | { readonly do: 'set'; readonly key: string; readonly guess: Guess; readonly write: Write }
  | { readonly do: 'delete'; readonly key: string; readonly guess: Guess; readonly includeExpired: boolean }
  | { readonly do: 'batch'; readonly parts: readonly Part[] }
  | { readonly do: 'list'; readonly prefix: string; readonly limit: number; readonly includeExpired: boolean }
  | { readonly do: 'clear'; readonly prefix: string }
  | { readonly do: 'import'; readonly rows: readonly Row[]; readonly mode: ImportMode }
  | { readonly do: 'wait'; readonly seconds: number };

interface Write {
  readonly text: string;
  readonly kind: 'blob' | 'value';
  /** Seconds from now at which it expires, or a state, or neither. */
  readonly extra: number | 'LIVE' | 'DELETING' | undefined;
}

interface Part {
  readonly op: BatchOperation['op'];
  readonly key: string;
  readonly guess: Guess;
  readonly write: Write;
}

interface Row {
  readonly key: string;
  readonly version: number;
  /** Whether it continues the incarnation that is there. */
  readonly same: boolean;
  readonly write: Write;
}

const key = fc.constantFrom(...KEYS);
const prefix = fc.constantFrom(...PREFIXES);
const guess: fc.Arbitrary<Guess> = fc.oneof(
  { weight: 4, arbitrary: fc.constant('current' as const) },
  { weight: 1, arbitrary: fc.constant('old' as const) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 3 }) },
);
const write: fc.Arbitrary<Write> = fc.record({
  text: fc.string({ maxLength: 3 }),
  kind: fc.constantFrom('blob', 'value'),
  extra: fc.oneof(
    fc.constantFrom(undefined, 'LIVE' as const, 'DELETING' as const),
    fc.integer({ min: -1, max: 4 }),
  ),
});
const part: fc.Arbitrary<Part> = fc.record({
  op: fc.constantFrom('upsert', 'upsert', 'delete', 'check', 'check-owner', 'check-absent'),
  key,
  guess,
  write,
});
const row: fc.Arbitrary<Row> = fc.record({
  key,
  version: fc.integer({ min: 1, max: 4 }),
  same: fc.boolean(),
  write,
});
const byKey = { selector: (item: { readonly key: string }): string => item.key, maxLength: 4 };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('get' as const), keys: fc.array(key, { maxLength: 4 }) }),
  { weight: 4, arbitrary: fc.record({ do: fc.constant('set' as const), key, guess, write }) },
  fc.record({ do: fc.constant('delete' as const), key, guess, includeExpired: fc.boolean() }),
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('batch' as const), parts: fc.uniqueArray(part, byKey) }),
  },
  fc.record({
    do: fc.constant('list' as const),
    prefix,
    limit: fc.integer({ min: 1, max: 5 }),
    includeExpired: fc.boolean(),
  }),
  fc.record({ do: fc.constant('clear' as const), prefix }),
  fc.record({
    do: fc.constant('import' as const),
    rows: fc.uniqueArray(row, byKey),
    mode: fc.constantFrom('if-absent', 'if-lower'),
  }),
  fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 3 }) }),
);

/** Both stores, and what was seen of each key. */
class Pair {
  readonly clock = new FakeClock();
  readonly store: PointerStore = openMemoryStorage({ clock: this.clock }).pointers;
  readonly naive = new NaivePointers();
  readonly #ids = seededRandom(7);
  readonly #old = new Map<string, Pointer>();

  async run(one: Step): Promise<void> {
    const { store, naive, clock } = this;
    naive.now = clock.now();
    const writeId = this.#ids.uuid();
    switch (one.do) {
      case 'get':
        assert.deepEqual(
          await store.getBatch(one.keys),
          one.keys.map((each) => naive.get(each)),
        );
        for (const each of one.keys) assert.deepEqual(await store.get(each), naive.get(each));
        break;
      case 'set': {
        const expected = this.#expected(one.key, one.guess);
        const next = this.#next(one.write);
        const result = await store.compareAndSet(one.key, expected, next, { writeId });
        assert.deepEqual(result, naive.set(one.key, expected, next, writeId));
        break;
      }
      case 'delete': {
        const { includeExpired } = one;
        const expected = this.#expected(one.key, one.guess) || 1;
        const result = await store.compareAndDelete(one.key, expected, { includeExpired });
        assert.deepEqual(result, naive.delete(one.key, expected, includeExpired));
        break;
      }
      case 'batch': {
        const operations = one.parts.map((each) => this.#operation(each));
        const result = await store.compareAndSetBatch(operations, { writeId });
        assert.deepEqual(result, naive.batch(operations, writeId));
        break;
      }
      case 'list':
        await this.#list(one);
        break;
      case 'clear': {
        const deleted = naive.clear(one.prefix);
        const result = await store.deleteByPrefix(one.prefix, { everything: true });
        assert.deepEqual(result, { deleted, skipped: 0 });
        break;
      }
      case 'import': {
        const rows = one.rows.map((each) => this.#row(each, writeId));
        assert.deepEqual(await store.importPointers(rows, one.mode), naive.import(rows, one.mode));
        break;
      }
      case 'wait':
        clock.advance(one.seconds * 1000);
    }
  }

  async #list({ prefix: from, limit, includeExpired }: Step & { readonly do: 'list' }): Promise<void> {
    const expected = this.naive.list(from, includeExpired);
    const seen: Pointer[] = [];
    let pageToken: string | undefined;
    do {
      const page = await this.store.listPointersByPrefix(from, {
        limit,
        includeExpired,
        ...(pageToken !== undefined && { pageToken }),
      });
      assert.ok(page.pointers.length <= limit);
      seen.push(...page.pointers);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined && seen.length <= expected.length);
    assert.deepEqual(seen, expected);
    assert.equal(await this.store.countByPrefix(from, { includeExpired }), expected.length);
  }

  #expected(at: string, one: Guess): Expected {
    if (typeof one === 'number') return one;
    const stored = this.naive.stored(at);
    const old = this.#old.get(at);
    if (stored) this.#old.set(at, stored);
    return (one === 'current' ? stored : old) ?? 0;
  }

  #next({ text, kind, extra }: Write): PointerWrite {
    const target =
      kind === 'blob' ? ({ kind, blobUri: `/b${text}` } as const) : ({ kind, value: text } as const);
    if (extra === undefined) return target;
    return typeof extra === 'number'
      ? { ...target, expiresAt: this.clock.seconds() + extra }
      : { ...target, state: extra };
  }

  #operation({ op, key: at, guess: one, write: given }: Part): BatchOperation {
    const expected = this.#expected(at, one);
    if (op === 'upsert') return { op, key: at, expected, next: this.#next(given) };
    if (op === 'check-absent') return { op, key: at };
    if (op !== 'check-owner') return { op, key: at, expected: expected || 1 };
    const incarnation = (typeof expected === 'number' ? undefined : expected.incarnation) ?? this.#ids.uuid();
    return { op, key: at, incarnation, states: given.kind === 'blob' ? ['LIVE'] : ['LIVE', 'DELETING'] };
  }

  #row({ key: at, version, same, write: given }: Row, writeId: string): Pointer {
    const incarnation = (same ? this.naive.stored(at)?.incarnation : undefined) ?? this.#ids.uuid();
    return { ...this.#next(given), key: at, version, writeId, incarnation, updatedAt: 1_600_000_000_000 };
  }
}

void test('random sequences of operations do what a naive model does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      const pair = new Pair();
      for (const one of steps) await pair.run(one);
      for (const each of KEYS) await pair.run({ do: 'get', keys: [each] });
      await pair.run({ do: 'list', prefix: '', limit: 2, includeExpired: true });
    }),
    { numRuns: 500 },
  );
});
