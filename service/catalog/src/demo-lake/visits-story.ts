import { micros, millis } from './moments.ts';
import type { Row } from './table-schema.ts';
import type { TableStory } from './table-story.ts';

const DAYS = ['2026-03-02', '2026-03-03', '2026-03-04'] as const;
const BRANCHES = ['alfama', 'ribeira'] as const;
const VISITS_A_DAY = 40;
const CATS = 12;
const MINUTE = 60_000_000n;
const FORGOTTEN: ReadonlySet<bigint> = new Set([1004n, 1017n, 1125n, 1233n]);

const notes: readonly (string | null)[] = [
  null,
  'the cat chose the guest, not the other way round',
  null,
  'allergic; sat by the door',
  null,
  null,
  null,
];

/** The visits of a day at a branch, from 9 in the morning; the numbers only have to look alive. */
function visitsOf(day: number, branch: number): Row[] {
  return Array.from({ length: VISITS_A_DAY }, (_, i) => {
    const visit = (day * BRANCHES.length + branch) * VISITS_A_DAY + i;
    return {
      visit_id: BigInt(1001 + visit),
      branch: BRANCHES[branch] ?? null,
      arrived_at: micros(`${DAYS[day]}T09:00:00Z`) + BigInt(i * 14 + ((visit * 7) % 11)) * MINUTE,
      cat_id: BigInt(1 + ((visit * 5) % CATS)),
      minutes: 15 + ((visit * 37) % 90),
      spent: visit % 9 === 4 ? null : BigInt(350 + ((visit * 131) % 1900)),
      rating: visit % 4 === 3 ? null : 3 + ((visit * 3) % 5) / 2,
      note: notes[visit % notes.length] ?? null,
    };
  });
}

/** A table partitioned by day and branch: two appends, a delete by position deletes, a rewrite of a file. */
export const visitsStory: TableStory = {
  namespace: ['cafe'],
  name: 'visits',
  comment: 'Who came, for how long, and which cat sat on them',
  createdAt: millis('2026-03-02T08:00:00Z'),
  schema: {
    'schema-id': 0,
    type: 'struct',
    fields: [
      { id: 1, name: 'visit_id', required: true, type: 'long' },
      { id: 2, name: 'branch', required: true, type: 'string' },
      { id: 3, name: 'arrived_at', required: true, type: 'timestamptz' },
      { id: 4, name: 'cat_id', required: true, type: 'long', doc: 'cafe.cats.id' },
      { id: 5, name: 'minutes', required: true, type: 'int' },
      { id: 6, name: 'spent', required: false, type: 'decimal(8, 2)', doc: 'euros; null: on the house' },
      { id: 7, name: 'rating', required: false, type: 'double', doc: '1 to 5' },
      { id: 8, name: 'note', required: false, type: 'string' },
    ],
  },
  spec: {
    'spec-id': 0,
    fields: [
      { 'source-id': 3, 'field-id': 1000, name: 'arrived_day', transform: 'day' },
      { 'source-id': 2, 'field-id': 1001, name: 'branch', transform: 'identity' },
    ],
  },
  steps: [
    {
      kind: 'append',
      at: millis('2026-03-03T20:00:00Z'),
      rows: [0, 1].flatMap((day) => BRANCHES.flatMap((_, branch) => visitsOf(day, branch))),
    },
    { kind: 'tag', at: millis('2026-03-03T20:05:00Z'), name: 'opening-days' },
    {
      kind: 'append',
      at: millis('2026-03-04T20:00:00Z'),
      rows: BRANCHES.flatMap((_, branch) => visitsOf(2, branch)),
    },
    // Four guests asked to be forgotten.
    {
      kind: 'delete',
      at: millis('2026-03-05T10:00:00Z'),
      where: ({ visit_id: id }) => FORGOTTEN.has(id as bigint),
    },
    // On 3 March the till of Ribeira counted in half euros.
    {
      kind: 'rewrite',
      at: millis('2026-03-06T10:00:00Z'),
      where: ({ branch, arrived_at: at, spent }) =>
        branch === 'ribeira' &&
        (at as bigint) >= micros('2026-03-03T00:00:00Z') &&
        (at as bigint) < micros('2026-03-04T00:00:00Z') &&
        spent !== null,
      change: (row) => ({ ...row, spent: (row['spent'] as bigint) / 2n }),
    },
  ],
};
