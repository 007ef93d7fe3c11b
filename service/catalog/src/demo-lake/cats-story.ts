import { days, millis } from './moments.ts';
import type { Row, TableSchema } from './table-schema.ts';
import type { TableStory } from './table-story.ts';

const firstSchema: TableSchema = {
  'schema-id': 0,
  type: 'struct',
  fields: [
    { id: 1, name: 'id', required: true, type: 'int' },
    { id: 2, name: 'name', required: true, type: 'string' },
    { id: 3, name: 'breed', required: false, type: 'string', doc: 'null: nobody knows' },
    { id: 4, name: 'born', required: false, type: 'date' },
    { id: 5, name: 'weight', required: false, type: 'decimal(4, 2)' },
  ],
};

/** `id` is wider, `weight` has another name, `favourite_spot` is new. */
const secondSchema: TableSchema = {
  'schema-id': 1,
  type: 'struct',
  fields: [
    { id: 1, name: 'id', required: true, type: 'long' },
    { id: 2, name: 'name', required: true, type: 'string' },
    { id: 3, name: 'breed', required: false, type: 'string', doc: 'null: nobody knows' },
    { id: 4, name: 'born', required: false, type: 'date' },
    { id: 5, name: 'weight_kg', required: false, type: 'decimal(4, 2)' },
    { id: 6, name: 'favourite_spot', required: false, type: 'string' },
  ],
};

const residents: readonly Row[] = (
  [
    ['Baltasar', 'European Shorthair', '2018-05-04', 541n],
    ['Blimunda', null, '2019-08-21', 388n],
    ['Capuccina', 'Siamese', '2020-01-30', 402n],
    ['Duque', 'Maine Coon', '2017-11-02', 815n],
    ['Eça', 'European Shorthair', '2021-03-17', 467n],
    ['Fernandinha', null, null, 350n],
    ['Galão', 'Ragdoll', '2019-12-24', 623n],
    ['Hortelã', 'Norwegian Forest Cat', '2020-06-09', 702n],
    ['Inês', 'Siamese', '2022-02-14', 366n],
    ['Jacinto', null, '2016-07-01', 510n],
    ['Kiwi', 'Sphynx', '2021-09-05', 339n],
    ['Lua', 'Bombay', '2018-10-31', 445n],
  ] as const
).map(([name, breed, born, weight], i) => ({
  id: i + 1,
  name,
  breed,
  born: born && days(born),
  weight,
}));

const newcomers: readonly Row[] = (
  [
    ['Mimosa', 'Ragdoll', '2025-10-11', 188n, 'window seat'],
    ['Nuvem', null, '2025-10-11', 172n, 'till'],
    ['Óscar', null, null, null, 'top of the bookshelf, behind the dictionaries'],
    ['Pastel', 'European Shorthair', '2025-11-20', 145n, null],
  ] as const
).map(([name, breed, born, weight, spot], i) => ({
  id: BigInt(residents.length + i + 1),
  name,
  breed,
  born: born && days(born),
  weight_kg: weight,
  favourite_spot: spot,
}));

/** A small table without partitions whose schema changed between its two snapshots, with distinct counts. */
export const catsStory: TableStory = {
  namespace: ['cafe'],
  name: 'cats',
  comment: 'The cats who live at the café',
  createdAt: millis('2026-02-27T08:00:00Z'),
  schema: firstSchema,
  spec: { 'spec-id': 0, fields: [] },
  steps: [
    { kind: 'append', at: millis('2026-02-27T09:00:00Z'), rows: residents },
    { kind: 'evolve', at: millis('2026-03-03T07:30:00Z'), schema: secondSchema },
    { kind: 'append', at: millis('2026-03-03T07:45:00Z'), rows: newcomers },
    { kind: 'statistics', at: millis('2026-03-03T08:00:00Z') },
  ],
};
