import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { stateAsOf } from '../../src/history/state-as-of.ts';
import type { OwnerFacts } from '../../src/history/standing.ts';
import type { World } from './facts.ts';
import { A, B, C, factsOf, rootOf, told, verdictsOf } from './facts.ts';

async function tells(
  facts: readonly OwnerFacts[],
  expected: readonly string[],
  world: World = {},
): Promise<void> {
  assert.deepEqual((await verdictsOf(facts, world)).map(told), expected);
}

async function at(facts: OwnerFacts, time: number): Promise<string> {
  const [verdict] = await verdictsOf([facts]);
  assert.ok(verdict);
  const state = stateAsOf(verdict, time);
  return state.is === 'state' ? state.root.writeId : state.is;
}

const a1 = rootOf(A, 'a1');
const a2 = rootOf(A, 'a2', { over: a1 });
const a3 = rootOf(A, 'a3', { over: a2 });
const rival2 = rootOf(A, 'rival2', { over: a1 });
const lost2 = rootOf(A, 'lost2', { over: a1, lost: true });
const lost3 = rootOf(A, 'lost3', { over: a2, lost: true });

void suite('an owner by itself', () => {
  test('nothing of it: none', () => tells([factsOf(A, [])], ['none']));
  test('a sole tip is the newest', () => tells([factsOf(A, [a1, a2, a3])], ['a3 by sole-tip']));
  test('a create alone is the newest', () => tells([factsOf(A, [a1])], ['a1 by sole-tip']));
  test('a create that is marked as lost is none', () =>
    tells([factsOf(A, [rootOf(A, 'x', { lost: true })])], ['none']));
  test('two over the same one are rivals', () => tells([factsOf(A, [a1, a2, rival2])], ['a2 or rival2']));
  test('a rival that is marked as lost is none', () =>
    tells([factsOf(A, [a1, a2, lost2])], ['a2 by sole-tip']));
  test('a rival of what was superseded is none', () =>
    tells([factsOf(A, [a1, a2, rival2, a3])], ['a3 by sole-tip']));
  test('all over it lost: what they were written over', () =>
    tells([factsOf(A, [a1, a2, lost3])], ['a2 by successor']));
  test('even a loser proves what it was written over', () =>
    tells([factsOf(A, [a1, a2, rival2, lost3])], ['a2 by successor']));
  test('a row decides between rivals', async () => {
    await tells([factsOf(A, [a1, a2, rival2], { live: rival2 })], ['rival2 by row']);
    await tells([factsOf(A, [a1, a2, rival2], { backup: a2 })], ['a2 by row']);
  });
  test('a row leaves open what was written over it', () =>
    tells([factsOf(A, [a1, a2, rival2], { live: a1 })], ['a2 or rival2']));
  test('creates of two incarnations are rivals', () =>
    tells([factsOf(A, [a1, rootOf(A, 'other1', { at: 1 })])], ['other1 or a1']));
  test('a create beside an incarnation that goes on is none', () =>
    tells([factsOf(A, [a1, a2, rootOf(A, 'other1', { at: 9_000 })])], ['a2 by sole-tip']));
  test('a person decides', async () => {
    const facts = [factsOf(A, [a1, a2, rival2])];
    await tells(facts, ['rival2 by applied'], {
      decided: new Map([
        ['a2', 'rejected'],
        ['rival2', 'applied'],
      ]),
    });
    await tells(facts, ['a1 by successor'], {
      decided: new Map([
        ['a2', 'rejected'],
        ['rival2', 'rejected'],
      ]),
    });
  });
  test('a name or a record decides between rivals', () =>
    tells([factsOf(A, [a1, a2, rival2])], ['rival2 by applied'], { inRows: ['rival2'] }));
});

void suite('what is missing', () => {
  const condemned1 = { ...a1, isLost: true };
  const condemned2 = { ...a2, isLost: true };
  test('a proven state whose root is nowhere', () => tells([factsOf(A, [a1, lost3])], ['missing a2']));
  test('the root that a row names', () => tells([factsOf(A, [a1], { backup: a2 })], ['missing a2']));
  test('what was condemned was superseded by something', () =>
    tells([factsOf(A, [condemned1, condemned2, lost3])], ['missing something']));
  test('a predecessor that is condemned or collected proves a sole tip, and no rivals', async () => {
    await tells([factsOf(A, [condemned1, a2])], ['a2 by applied']);
    await tells([factsOf(A, [a2])], ['a2 by applied']);
    await tells([factsOf(A, [condemned1, a2, rival2])], ['a2 or rival2']);
  });
  test('a live row is what stands, even where it is marked', () =>
    tells([factsOf(A, [condemned1, lost2], { live: condemned1 })], ['a1 by row']));
});

void suite('what ended', () => {
  const grave = rootOf(A, 'grave', { over: a1, state: 'TOMBSTONE' });
  const unnamed = rootOf(A, 'unnamed', { over: a1, state: 'DELETING', ends: true });
  const later = rootOf(A, 'later', { at: 9_000 });
  test('a tombstone keeps it dropped', () => tells([factsOf(A, [a1, grave])], ['grave by sole-tip']));
  test('a drop of what never had a name leaves nothing', () => tells([factsOf(A, [a1, unnamed])], ['none']));
  test('a tombstone whose row was ended, and whose root was condemned, is no loss', async () => {
    await tells([factsOf(A, [{ ...grave, isLost: true }])], ['none']);
    await tells(
      [
        factsOf(A, [
          { ...a1, isLost: true },
          { ...unnamed, isLost: true },
        ]),
      ],
      ['none'],
    );
  });
  test('a key that was ended and made again', async () => {
    await tells([factsOf(A, [grave, later])], ['later by sole-tip']);
    await tells([factsOf(A, [grave, later], { backup: a1 })], ['later by sole-tip']);
    await tells([factsOf(A, [grave, { ...later, isLost: true }])], ['grave by sole-tip']);
    await tells([factsOf(A, [grave, rootOf(A, 'before', { at: 1 })])], ['grave by applied']);
  });
});

void suite('branches that were given up', () => {
  const given2 = { ...a2, isLost: true };
  const given3 = { ...a3, isLost: true };
  test('what lies below stands again', () => tells([factsOf(A, [a1, given2, given3])], ['a1 by successor']));
  test('what was written since goes on from there', async () => {
    const next3 = rootOf(A, 'next3', { over: rival2 });
    await tells([factsOf(A, [a1, given2, given3, rival2])], ['rival2 by sole-tip']);
    await tells([factsOf(A, [a1, given2, given3, rival2, next3])], ['next3 by sole-tip']);
    await tells([factsOf(A, [given2, given3, rival2, next3])], ['next3 by sole-tip']);
  });
  test('two that both go on are told', async () => {
    const next3 = rootOf(A, 'next3', { over: rival2 });
    await tells([factsOf(A, [a1, a2, a3, rival2, next3])], ['a3 or next3']);
  });
});

void suite('transactions over several owners', () => {
  const b1 = rootOf(B, 'b1');
  const both = (lost = false) =>
    [
      rootOf(A, 'both', { over: a1, with: [[B, 2]], lost }),
      rootOf(B, 'both', { over: b1, with: [[A, 2]], lost }),
    ] as const;
  const [a, b] = both();
  const b3 = rootOf(B, 'b3', { over: b });

  test('whole, without rivals: applied to both', () =>
    tells([factsOf(A, [a1, a]), factsOf(B, [b1, b])], ['both by sole-tip', 'both by sole-tip']));
  test('a part is nowhere: applied to none, and told', () =>
    tells([factsOf(A, [a1, a]), factsOf(B, [b1])], ['a1 by successor, without both', 'b1 by sole-tip']));
  test('a part is nowhere, but proven by what followed', () =>
    tells([factsOf(A, [a1, a]), factsOf(B, [b3])], ['both by applied', 'b3 by applied']));
  test('a part may have been collected by now', () =>
    tells([factsOf(A, [a1, a]), factsOf(B, [])], ['both by sole-tip', 'none'], { collectedBefore: 9_000 }));
  test('marked as lost with one owner: with both', () =>
    tells([factsOf(A, [a1, a]), factsOf(B, [b1, both(true)[1]])], ['a1 by successor', 'b1 by successor']));
  test('the other owner went on with it: proven, against a rival', () =>
    tells([factsOf(A, [a1, a, rival2]), factsOf(B, [b1, b, b3])], ['both by applied', 'b3 by sole-tip']));
  test('the other owner went on without it: rejected', async () => {
    const other2 = rootOf(B, 'other2', { over: b1 });
    const facts = [factsOf(A, [a1, a]), factsOf(B, [b1, b, other2, rootOf(B, 'b3', { over: other2 })])];
    await tells(facts, ['a1 by successor', 'b3 by sole-tip']);
  });
  test('a row of the other owner proves it', () =>
    tells(
      [factsOf(A, [a1, a, rival2]), factsOf(B, [b1, b], { backup: b })],
      ['both by applied', 'both by row'],
    ));
  test('a rival with one owner leaves the others in doubt too, and no half is applied', async () => {
    const b2 = rootOf(B, 'b2', { over: b1, with: [[C, 1]] });
    const facts = [
      factsOf(A, [a1, a]),
      factsOf(B, [b1, b, b2]),
      factsOf(C, [rootOf(C, 'b2', { with: [[B, 2]] })]),
    ];
    await tells(facts, ['both', 'b2 or both', 'b2']);
    await tells(facts, ['both by applied', 'both by applied', 'none'], { inRows: ['both'] });
    await tells(facts, ['a1 by successor', 'b2 by applied', 'b2 by applied'], {
      decided: new Map([
        ['b2', 'applied'],
        ['both', 'rejected'],
      ]),
    });
  });
  test('a collected predecessor proves it for the others', () =>
    tells(
      [factsOf(A, [a]), factsOf(B, [b1, b, rootOf(B, 'b2', { over: b1 })])],
      ['both by applied', 'both by applied'],
    ));
});

void suite('as of a time', () => {
  test('the newest state that is not after it', async () => {
    const facts = factsOf(A, [a1, a2, a3]);
    const states = await Promise.all([500, 1_000, 2_500, 9_000].map((time) => at(facts, time)));
    assert.deepEqual(states, ['none', 'a1', 'a2', 'a3']);
  });
  test('rivals that came later leave no doubt', async () => {
    assert.equal(await at(factsOf(A, [a1, a2, rival2]), 1_500), 'a1');
    assert.equal(await at(factsOf(A, [a1, a2, rival2]), 2_000), 'ambiguous');
  });
  test('what was collected is missing', async () => {
    assert.equal(await at(factsOf(A, [a3]), 2_500), 'missing');
    assert.equal(await at(factsOf(A, [a3]), 3_500), 'a3');
  });
});
