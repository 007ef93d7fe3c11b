import { days, micros, millis, timeOfDay } from './moments.ts';
import type { FieldType, Row, TableSchema } from './table-schema.ts';
import type { TableStory } from './table-story.ts';

const owner: FieldType = {
  type: 'struct',
  fields: [
    { id: 19, name: 'name', required: true, type: 'string' },
    { id: 20, name: 'phone', required: false, type: 'string' },
  ],
};
const symptoms: FieldType = {
  type: 'list',
  'element-id': 21,
  'element-required': false,
  element: 'string',
};
const readings: FieldType = {
  type: 'map',
  'key-id': 22,
  key: 'string',
  'value-id': 23,
  'value-required': false,
  value: 'int',
};

const optional = (id: number, name: string, type: FieldType): TableSchema['fields'][number] => ({
  id,
  name,
  required: false,
  type,
});

const schema: TableSchema = {
  'schema-id': 0,
  type: 'struct',
  fields: [
    { id: 1, name: 'checkup_id', required: true, type: 'uuid' },
    { id: 2, name: 'cat_id', required: true, type: 'long', doc: 'cafe.cats.id' },
    optional(3, 'vaccinated', 'boolean'),
    optional(4, 'heart_rate', 'int'),
    optional(5, 'chip_number', 'long'),
    optional(6, 'temperature', 'float'),
    optional(7, 'purr_hz', 'double'),
    optional(8, 'fee', 'decimal(9, 2)'),
    optional(9, 'dose_mg', 'decimal(14, 6)'),
    optional(10, 'lab_value', 'decimal(38, 10)'),
    optional(11, 'born', 'date'),
    optional(12, 'fed_at', 'time'),
    optional(13, 'clinic_time', 'timestamp'),
    optional(14, 'recorded_at', 'timestamptz'),
    optional(15, 'remark', 'string'),
    optional(16, 'paw_print', 'fixed[8]'),
    optional(17, 'scan', 'binary'),
    optional(18, 'owner', owner),
    optional(24, 'symptoms', symptoms),
    optional(25, 'readings', readings),
  ],
};

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

/** A visit of which only that it took place is known. */
function bare(checkupId: string, catId: bigint): Row {
  const names = schema.fields.map(({ name }) => name);
  return { ...Object.fromEntries(names.map((name) => [name, null])), checkup_id: checkupId, cat_id: catId };
}

const firstRound: readonly Row[] = [
  {
    checkup_id: '0b9f2a52-6f4e-4c7e-8d51-2f4a3d1c9e01',
    cat_id: 1n,
    vaccinated: true,
    heart_rate: 162,
    chip_number: 9_007_199_254_740_993n,
    temperature: 38.5,
    purr_hz: 26.25,
    fee: 4550n,
    dose_mg: 12_500_000n,
    lab_value: 12_345_678_901_234_567_890_123_456_789n,
    born: days('2018-05-04'),
    fed_at: timeOfDay('07:30:00'),
    clinic_time: micros('2026-03-05T10:15:00.000001'),
    recorded_at: micros('2026-03-05T10:15:00.000001Z'),
    remark: 'Patient purrs during auscultation; heart hard to hear.',
    paw_print: bytes('0001020304050607'),
    scan: bytes('89504e470d0a1a0a'),
    owner: { name: 'Marta', phone: '+351 210 000 001' },
    symptoms: ['sneezes', null, 'stares at the wall'],
    readings: new Map([
      ['weight_g', 5410],
      ['age_months', 94],
    ]),
  },
  {
    ...bare('f3c1d7aa-10b2-4e7b-9a3c-77d0c5be4f02', 4n),
    vaccinated: false,
    heart_rate: -1,
    chip_number: -9_223_372_036_854_775_808n,
    temperature: NaN,
    purr_hz: -0,
    fee: -1000n,
    dose_mg: -1n,
    lab_value: -99_999_999_999_999_999_999_999_999_999_999_999_999n,
    born: days('1969-12-31'),
    fed_at: 0n,
    clinic_time: micros('1969-12-31T23:59:59.999999'),
    recorded_at: micros('1969-12-31T23:59:59.999999Z'),
    remark: '',
    paw_print: bytes('ffffffffffffffff'),
    scan: bytes(''),
    owner: { name: 'Duarte', phone: null },
    symptoms: [],
    readings: new Map(),
  },
  {
    ...bare('7e5d4c3b-2a19-4f08-b7e6-d5c4b3a29103', 7n),
    purr_hz: NaN,
    temperature: 37.75,
    remark: '🐈 wanted to stay in its basket, and did',
    scan: bytes('ff'.repeat(20)),
    symptoms: [null],
    readings: new Map([['weight_g', null]]),
  },
  bare('a1b2c3d4-e5f6-4789-8abc-def012345604', 9n),
];

const secondRound: readonly Row[] = [
  {
    ...bare('11111111-2222-4333-8444-555555555505', 13n),
    vaccinated: true,
    heart_rate: 188,
    chip_number: 9_223_372_036_854_775_807n,
    temperature: NaN,
    purr_hz: Infinity,
    remark: 'first visit',
    owner: { name: 'Café', phone: null },
  },
  {
    ...bare('99999999-8888-4777-a666-555555555506', 14n),
    vaccinated: true,
    purr_hz: -Infinity,
    temperature: NaN,
    remark: 'first visit',
  },
];

/** A table of every kind of column, with nulls, NaN, infinities and the ends of the ranges among its values. */
export const checkupsStory: TableStory = {
  namespace: ['cafe', 'clinic'],
  name: 'checkups',
  comment: 'What the vet found',
  createdAt: millis('2026-03-05T09:00:00Z'),
  schema,
  spec: { 'spec-id': 0, fields: [] },
  steps: [
    { kind: 'append', at: millis('2026-03-05T12:00:00Z'), rows: firstRound },
    { kind: 'append', at: millis('2026-03-12T12:00:00Z'), rows: secondRound },
  ],
};
