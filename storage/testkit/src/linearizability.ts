import assert from 'node:assert/strict';

/** What one key holds: a version and a value, which no other write of the history gives. */
export type KeyState = { readonly version: number; readonly value: string } | undefined;

/** What a write expected: 0 for absent, a version, or a state read earlier. */
export type ExpectedState = number | { readonly version: number; readonly value: string };

export type HistoryCall =
  | { readonly op: 'get' }
  | { readonly op: 'set'; readonly expected: ExpectedState; readonly value: string }
  | { readonly op: 'delete'; readonly expected: ExpectedState };

export type HistoryOutcome =
  /** A read, or a conflict, that saw `state`. */
  | { readonly saw: KeyState }
  /** A set that made this version, or a delete (0). */
  | { readonly applied: number }
  /** A write that may have happened, at any time after its call, or not at all. */
  | 'unknown';

/** One call and its answer. Times are whole numbers in one order; a return comes strictly after its call. */
export interface HistoryEntry {
  readonly key: string;
  readonly call: HistoryCall;
  readonly outcome: HistoryOutcome;
  readonly called: number;
  /** `Infinity` where the outcome is unknown. */
  readonly returned: number;
}

const IMPOSSIBLE = Symbol('impossible');
/** Steps to try for one key before giving up: far above what a history takes that has few unknown outcomes. */
const MAX_STEPS = 1_000_000;

/** The state after `entry` took effect on `state`, or that it cannot have done so with this outcome. */
function step(state: KeyState, { call, outcome }: HistoryEntry): KeyState | typeof IMPOSSIBLE {
  const saw = (other: KeyState): boolean =>
    other?.version === state?.version && other?.value === state?.value;
  if (call.op === 'get')
    return typeof outcome === 'object' && 'saw' in outcome && saw(outcome.saw) ? state : IMPOSSIBLE;
  const { expected } = call;
  const holds = typeof expected === 'number' ? (state?.version ?? 0) === expected : saw(expected);
  if (outcome !== 'unknown' && 'saw' in outcome) return !holds && saw(outcome.saw) ? state : IMPOSSIBLE;
  if (!holds) return IMPOSSIBLE;
  if (call.op === 'delete') return state === undefined ? IMPOSSIBLE : undefined;
  const version = (state?.version ?? 0) + 1;
  return outcome === 'unknown' || outcome.applied === version ? { version, value: call.value } : IMPOSSIBLE;
}

/**
 * The first key whose calls cannot be put into one order that agrees with real time and with compare-and-set on one
 * cell (which starts absent); `undefined` if there is none. Wing and Gong's search with Lowe's memory of what was
 * tried, key by key. Writes of unknown outcome may take effect at any time after their call, or never, and each may
 * double the work: throws where a key has so many that it stays undecided.
 */
export function nonLinearizableKey(history: readonly HistoryEntry[]): string | undefined {
  const byKey = Map.groupBy(history, (entry) => entry.key);
  for (const [key, entries] of byKey) if (!linearizable(entries)) return key;
  return undefined;
}

function linearizable(entries: readonly HistoryEntry[]): boolean {
  const sorted = entries.toSorted((a, b) => a.called - b.called);
  const known = sorted.filter((entry) => entry.outcome !== 'unknown');
  const unknown = sorted.filter((entry) => entry.outcome === 'unknown' && entry.call.op !== 'get');
  const tried = new Set<string>();
  /** `done` holds the linearized entries, but of `known` only those from the first that is not. */
  const stack: {
    readonly first: number;
    readonly done: ReadonlySet<HistoryEntry>;
    readonly state: KeyState;
  }[] = [{ first: 0, done: new Set(), state: undefined }];
  const number = new Map(sorted.map((entry, i) => [entry, i]));
  for (let steps = 0; ; steps++) {
    if (steps > MAX_STEPS)
      throw new Error(`undecided after ${MAX_STEPS} steps: too many unknown outcomes for one key`);
    const node = stack.pop();
    if (!node) return false;
    if (node.first === known.length) return true;
    // What was called after another returned cannot come before it.
    let returned = Infinity;
    const open: HistoryEntry[] = [];
    for (let i = node.first; i < known.length; i++) {
      const entry = known[i] as HistoryEntry;
      if (entry.called > returned) break;
      if (node.done.has(entry)) continue;
      open.push(entry);
      returned = Math.min(returned, entry.returned);
    }
    const startable = unknown.filter((entry) => entry.called < returned && !node.done.has(entry));
    for (const entry of [...startable, ...open]) {
      const state = step(node.state, entry);
      if (state === IMPOSSIBLE) continue;
      const done = new Set(node.done).add(entry);
      let first = node.first;
      while (first < known.length && done.delete(known[first] as HistoryEntry)) first++;
      const memory = JSON.stringify([
        first,
        [...done].map((each) => number.get(each) ?? 0).sort((a, b) => a - b),
        state,
      ]);
      if (tried.has(memory)) continue;
      tried.add(memory);
      stack.push({ first, done, state });
    }
  }
}

/** Fails, with the calls of the key in question, if `history` is not linearizable. */
export function assertLinearizable(history: readonly HistoryEntry[]): void {
  const key = nonLinearizableKey(history);
  if (key === undefined) return;
  const lines = history
    .filter((entry) => entry.key === key)
    .toSorted((a, b) => a.called - b.called)
    .map(
      ({ called, returned, call, outcome }) =>
        `${called}..${returned} ${JSON.stringify({ ...call, outcome })}`,
    );
  assert.fail(`no order explains the history of ${JSON.stringify(key)}:\n${lines.join('\n')}`);
}
