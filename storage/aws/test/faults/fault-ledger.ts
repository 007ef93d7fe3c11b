import type { FaultRow, Phase } from './fault-rows.ts';
import { FAULT_ROWS } from './fault-rows.ts';

interface Seen {
  readonly phases: Map<Phase, number>;
  readonly tests: Set<string>;
}

/** How often the faults of each row of the catalogue fired, by the tags in the names of the tests. */
export class FaultLedger {
  readonly #rows = new Map(
    FAULT_ROWS.map((row): [string, Seen] => [row.id, { phases: new Map(), tests: new Set() }]),
  );
  readonly #strange: string[] = [];

  /** `times` faults of one phase fired in the test of this name. */
  note(test: string, phase: Phase, times: number): void {
    if (times === 0) return;
    for (const [, id = ''] of test.matchAll(/\[(F\d+)\]/g)) {
      const seen = this.#rows.get(id);
      if (!seen) throw new Error(`there is no row ${id} in the catalogue of faults: ${test}`);
      seen.phases.set(phase, (seen.phases.get(phase) ?? 0) + times);
      seen.tests.add(test);
    }
  }

  /** A request that this backend is said never to make. */
  noteStrange(request: string): void {
    this.#strange.push(request);
  }

  get strange(): readonly string[] {
    return this.#strange;
  }

  /** A line for each row, and what is missing of those that can occur. */
  report(): { readonly lines: readonly string[]; readonly missing: readonly string[] } {
    const missing: string[] = [];
    const lines = FAULT_ROWS.map((row) => {
      const { phases, tests } = this.#rows.get(row.id) as Seen;
      const unseen = row.phases.filter((phase) => !phases.has(phase));
      if (unseen.length > 0) missing.push(`${title(row)}: never ${unseen.join(' and never ')}`);
      if (row.cannotOccur !== undefined) {
        if (tests.size > 0) missing.push(`${title(row)}: said not to occur, and it did`);
        return `${title(row)}: cannot occur, since ${row.cannotOccur}`;
      }
      const counts = [...phases].map(([phase, count]) => `${count} ${WORDS[phase]}`).join(', ');
      return `${title(row)}: fired ${counts || 'never'}, in ${tests.size} ${tests.size === 1 ? 'test' : 'tests'}`;
    });
    return { lines, missing };
  }
}

const WORDS: Readonly<Record<Phase, string>> = {
  before: 'before it was sent',
  after: 'after it was done',
  server: 'by the server itself',
};

function title({ id, fault }: FaultRow): string {
  return `${id} ${fault}`;
}

/** The ledger of this process. */
export const faultLedger = new FaultLedger();
