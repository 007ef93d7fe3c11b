import assert from 'node:assert/strict';
import { test } from 'node:test';

import type {
  HistoryCall,
  HistoryEntry,
  HistoryOutcome,
  KeyState,
  SeededRandom,
} from '@floecat/storage-testkit';
import { assertLinearizable, nonLinearizableKey, seededRandom, withSeed } from '@floecat/storage-testkit';

type Line = readonly [called: number, returned: number, call: HistoryCall, outcome: HistoryOutcome];

const one = { version: 1, value: 'one' };
const two = { version: 2, value: 'two' };
const create: HistoryCall = { op: 'set', expected: 0, value: 'one' };
const update: HistoryCall = { op: 'set', expected: 1, value: 'two' };
const get: HistoryCall = { op: 'get' };
const remove: HistoryCall = { op: 'delete', expected: 1 };

function history(lines: readonly Line[], key = '/k'): HistoryEntry[] {
  return lines.map(([called, returned, call, outcome]) => ({ key, called, returned, call, outcome }));
}

const ACCEPTED: Readonly<Record<string, readonly Line[]>> = {
  'nothing happened': [],
  'a read of nothing': [[1, 2, get, { saw: undefined }]],
  'one after another': [
    [1, 2, create, { applied: 1 }],
    [3, 4, get, { saw: one }],
    [5, 6, update, { applied: 2 }],
    [7, 8, get, { saw: two }],
    [9, 10, { op: 'delete', expected: two }, { applied: 0 }],
    [11, 12, get, { saw: undefined }],
    [13, 14, { op: 'set', expected: 0, value: 'three' }, { applied: 1 }],
  ],
  'a read during a write may see either state, and the other reader the other': [
    [1, 2, create, { applied: 1 }],
    [3, 8, update, { applied: 2 }],
    [4, 5, get, { saw: one }],
    [6, 7, get, { saw: two }],
  ],
  'two creators at once, the loser seeing the winner': [
    [1, 4, create, { applied: 1 }],
    [2, 3, { op: 'set', expected: 0, value: 'other' }, { saw: one }],
  ],
  'an unknown write that happened long after its call': [
    [1, 2, create, { applied: 1 }],
    [3, Infinity, update, 'unknown'],
    [4, 5, get, { saw: one }],
    [6, 7, get, { saw: one }],
    [8, 9, get, { saw: two }],
  ],
  'an unknown write that never happened': [
    [1, 2, create, { applied: 1 }],
    [3, Infinity, update, 'unknown'],
    [4, 5, { op: 'set', expected: one, value: 'other' }, { applied: 2 }],
    [6, 7, get, { saw: { version: 2, value: 'other' } }],
  ],
  'an unknown delete that happened': [
    [1, 2, create, { applied: 1 }],
    [3, Infinity, remove, 'unknown'],
    [4, 5, get, { saw: undefined }],
  ],
  'a conflict with a number that the row does not have': [
    [1, 2, create, { applied: 1 }],
    [3, 4, { op: 'delete', expected: 7 }, { saw: one }],
  ],
  'a conflict of the old incarnation, at the same version': [
    [1, 2, create, { applied: 1 }],
    [3, 4, remove, { applied: 0 }],
    [5, 6, { op: 'set', expected: 0, value: 'again' }, { applied: 1 }],
    [7, 8, { op: 'set', expected: one, value: 'late' }, { saw: { version: 1, value: 'again' } }],
  ],
};

const REFUSED: Readonly<Record<string, readonly Line[]>> = {
  'a read of what was never written': [[1, 2, get, { saw: one }]],
  'a read that misses an acknowledged create': [
    [1, 2, create, { applied: 1 }],
    [3, 4, get, { saw: undefined }],
  ],
  'a stale read after an acknowledged update': [
    [1, 2, create, { applied: 1 }],
    [3, 4, update, { applied: 2 }],
    [5, 6, get, { saw: one }],
  ],
  'two reads that go back in time': [
    [1, 2, create, { applied: 1 }],
    [3, 8, update, { applied: 2 }],
    [4, 5, get, { saw: two }],
    [6, 7, get, { saw: one }],
  ],
  'a commit reported as a conflict': [
    [1, 2, create, { applied: 1 }],
    [3, 4, update, { saw: one }],
    [5, 6, get, { saw: two }],
  ],
  'a conflict although the condition held': [
    [1, 2, create, { applied: 1 }],
    [3, 4, update, { saw: one }],
  ],
  'a conflict that reports a row from before': [
    [1, 2, create, { applied: 1 }],
    [3, 4, update, { applied: 2 }],
    [5, 6, { op: 'set', expected: 0, value: 'late' }, { saw: one }],
  ],
  'a lost update: two writers win at the same version': [
    [1, 2, create, { applied: 1 }],
    [3, 6, update, { applied: 2 }],
    [4, 5, { op: 'set', expected: 1, value: 'other' }, { applied: 2 }],
  ],
  'a lost update: an acknowledged write that nobody ever sees': [
    [1, 2, create, { applied: 1 }],
    [3, 4, update, { applied: 2 }],
    [5, 6, { op: 'set', expected: one, value: 'over it' }, { applied: 2 }],
  ],
  'two creators that both win': [
    [1, 4, create, { applied: 1 }],
    [2, 3, { op: 'set', expected: 0, value: 'other' }, { applied: 1 }],
  ],
  'two deletes that both win': [
    [1, 2, create, { applied: 1 }],
    [3, 6, remove, { applied: 0 }],
    [4, 5, remove, { applied: 0 }],
  ],
  'a version that jumps': [[1, 2, create, { applied: 2 }]],
  'the old incarnation wins': [
    [1, 2, create, { applied: 1 }],
    [3, 4, remove, { applied: 0 }],
    [5, 6, { op: 'set', expected: 0, value: 'again' }, { applied: 1 }],
    [7, 8, { op: 'set', expected: one, value: 'late' }, { applied: 2 }],
  ],
  'an unknown write seen before it was called': [
    [1, 2, create, { applied: 1 }],
    [3, 4, get, { saw: two }],
    [5, Infinity, update, 'unknown'],
  ],
  'an unknown write that happened twice': [
    [1, Infinity, create, 'unknown'],
    [2, 3, get, { saw: one }],
    [4, 5, remove, { applied: 0 }],
    [6, 7, get, { saw: one }],
  ],
  'an unknown write whose condition never held': [
    [1, Infinity, update, 'unknown'],
    [2, 3, get, { saw: two }],
  ],
  'a delete of nothing that succeeds': [[1, 2, { op: 'delete', expected: 0 }, { applied: 0 }]],
};

for (const [title, lines] of Object.entries(ACCEPTED))
  void test(`accepted: ${title}`, () => assertLinearizable(history(lines)));

for (const [title, lines] of Object.entries(REFUSED))
  void test(`refused: ${title}`, () => assert.equal(nonLinearizableKey(history(lines)), '/k'));

void test('the order of the entries in the history does not matter', () => {
  for (const lines of Object.values(ACCEPTED)) assertLinearizable(history(lines.toReversed()));
  for (const lines of Object.values(REFUSED))
    assert.equal(nonLinearizableKey(history(lines.toReversed())), '/k');
});

void test('keys are judged apart, and the broken one is named with its calls', () => {
  const stale = REFUSED['a stale read after an acknowledged update'] ?? [];
  const mixed = [...history(ACCEPTED['one after another'] ?? [], '/good'), ...history(stale, '/bad')];
  assert.equal(nonLinearizableKey(mixed), '/bad');
  assert.throws(() => assertLinearizable(mixed), /"\/bad"[^]*5\.\.6[^]*"saw":\{"version":1/);
});

/** A cell that takes effect at a random moment within each call, and may lose the answer. */
function simulate(random: SeededRandom, calls: number, clients: number, lossOneIn: number): HistoryEntry[] {
  const entries: HistoryEntry[] = [];
  let state: KeyState;
  let time = 0;
  const seen: KeyState[] = [];
  const pending: { call: HistoryCall; called: number; outcome?: HistoryOutcome; lost: boolean }[] = [];
  const apply = (call: HistoryCall): HistoryOutcome => {
    if (call.op === 'get') return { saw: state };
    const { expected } = call;
    const held =
      typeof expected === 'number'
        ? (state?.version ?? 0) === expected
        : state?.version === expected.version && state.value === expected.value;
    if (!held || (call.op === 'delete' && !state)) return { saw: state };
    state = call.op === 'delete' ? undefined : { version: (state?.version ?? 0) + 1, value: call.value };
    return { applied: state?.version ?? 0 };
  };
  for (let made = 0; made < calls || pending.length > 0;) {
    time++;
    const open = pending.filter((each) => !each.outcome);
    const choice = random.below(3);
    if (choice === 0 && made < calls && pending.length < clients) {
      seen.push(state);
      const guess = random.pick(seen.slice(-3)) ?? 0;
      const expected = random.below(3) === 0 ? (typeof guess === 'number' ? guess : guess.version) : guess;
      const draw = random.below(4);
      const value = `v${made++}`;
      const call: HistoryCall =
        draw === 0
          ? get
          : draw === 1 && expected !== 0
            ? { op: 'delete', expected }
            : { op: 'set', expected, value };
      pending.push({ call, called: time, lost: random.below(lossOneIn) === 0 });
    } else if (choice === 1 && open.length > 0) {
      const each = random.pick(open);
      // A lost request never takes effect, or its answer is lost.
      each.outcome = each.lost && random.below(2) === 0 ? 'unknown' : apply(each.call);
    } else {
      const done = pending.find((each) => each.outcome);
      if (!done?.outcome) continue;
      pending.splice(pending.indexOf(done), 1);
      const { call, called, outcome, lost } = done;
      if (!lost) entries.push({ key: '/k', call, called, returned: time, outcome });
      else if (call.op !== 'get')
        entries.push({ key: '/k', call, called, returned: Infinity, outcome: 'unknown' });
    }
  }
  return entries;
}

/** A read that answers a state whose end was acknowledged before the read began. */
function withStaleRead(entries: readonly HistoryEntry[], random: SeededRandom): HistoryEntry[] | undefined {
  const overwrites = entries.filter(
    ({ call, outcome }) =>
      outcome !== 'unknown' && 'applied' in outcome && call.op !== 'get' && typeof call.expected === 'object',
  );
  if (overwrites.length === 0) return undefined;
  const { call, returned } = random.pick(overwrites);
  if (call.op === 'get' || typeof call.expected !== 'object') return undefined;
  const { expected } = call;
  return [
    ...entries,
    { key: '/k', call: get, outcome: { saw: expected }, called: returned + 0.1, returned: returned + 0.2 },
  ];
}

void test('300 simulated histories with lost answers are accepted, and each with one stale read is refused', async () => {
  let refused = 0;
  for (let seed = 1; seed <= 300; seed++)
    await withSeed(async (random) => {
      const entries = simulate(random, 120, 5, 30);
      assertLinearizable(entries);
      const stale = withStaleRead(entries, random);
      if (!stale) return;
      assert.equal(nonLinearizableKey(stale), '/k', 'a stale read went unnoticed');
      refused++;
    }, seed);
  assert.ok(refused > 250, `only ${refused} histories had something to be stale about`);
});

void test('a long history is judged: 4,000 calls of 8 clients on one key', () => {
  assertLinearizable(simulate(seededRandom(1), 4_000, 8, 1_000));
});
