import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';

import { environmentVariable, propertiesOf, SCHEMA } from '@floecat/config';

import { AWS_BAD, AWS_GOOD } from './aws-values.ts';
import { define, load, NOWHERE, onlyProblem } from './support.ts';

/** Sets one property, with what must go with it. A secret is given by the environment, as it must be. */
function setting(name: string, value: string): { args: string[]; env: Record<string, string> } {
  const args: Record<string, string> = {};
  const env: Record<string, string> = {};
  if (name === 'floecat.kv' && value === 'memory') args['floecat.blob'] = 'memory';
  if (name === 'floecat.blob' && value === 'memory') args['floecat.kv'] = 'memory';
  const [, access] = /^(.*)\.(?:access-key-id|secret-access-key|session-token)$/.exec(name) ?? [];
  if (access !== undefined) {
    args[`${access}.access-key-id`] = 'AKIA';
    env[environmentVariable(`${access}.secret-access-key`)] = 'secret';
  }
  if (isSecret(name)) env[environmentVariable(name)] = value;
  else args[name] = value;
  return { args: define(args), env };
}

function isSecret(name: string): boolean {
  return propertiesOf(SCHEMA).find((property) => property.name === name)?.type.secret ?? false;
}

const NO_WHOLE_NUMBERS = [
  '',
  ' ',
  'NaN',
  '-1',
  '+8',
  '7d',
  '1e400',
  '1e3',
  '0x10',
  '0b1',
  '8.0',
  '1,000',
  '1_000',
  '08',
  'Infinity',
  '٣',
  '8 8',
  '99999999999999999999',
];
const NO_DURATIONS = [
  '',
  '7',
  'd',
  '-7d',
  '+7d',
  '1.5h',
  '7 d',
  '7w',
  '7000w',
  '7000constructor',
  '7D',
  '7days',
  '7d12h',
  '0d',
  'NaN',
  '1e3s',
  '0x1s',
  '07d',
  '3651d',
  '99999999999999999999d',
  '7__proto__',
];
const NO_NAMES = ['', '  ', 'a\u0000b', 'a\nb', 'a\u001fb', '\ud800', 'x'.repeat(129), 'é'.repeat(65)];
const NO_PATHS = ['', ' ', '~', '~/lake', '~someone/lake', 'a\0b'];
const NO_BOOLEANS = ['', 'TRUE', 'yes', '1', 'on', 'truee'];

const BAD: Readonly<Record<string, readonly string[]>> = {
  ...AWS_BAD,
  'floecat.cache.blob-bytes': [...NO_WHOLE_NUMBERS, '64MiB'],
  'floecat.cache.pointer-staleness': ['', '5', '-1s', 'NaN', '1w'],
  'floecat.config': NO_PATHS,
  'floecat.kv': ['', 'Memory', 'dynamo', 'memory,local', 'toString'],
  'floecat.blob': ['', 'LOCAL', 'files', 'constructor'],
  'floecat.secrets': ['', 'vault'],
  'floecat.data-dir': NO_PATHS,
  'floecat.local.flush': NO_BOOLEANS,
  'floecat.account': NO_NAMES,
  'floecat.catalog': NO_NAMES,
  'floecat.seed.enabled': NO_BOOLEANS,
  'floecat.http.host': [
    '',
    'http://localhost',
    'localhost:8181',
    '[::1]',
    '256.1.1.1',
    '1.2.3',
    'a..b',
    '-a',
    'a b',
    'x'.repeat(64),
    'a/b',
  ],
  'floecat.http.port': [...NO_WHOLE_NUMBERS, '65536'],
  'floecat.upstream.locations': [
    'a',
    'a=',
    '=b',
    'a=b,',
    ',a=b',
    'a=b,,c=d',
    'a=b, a=c',
    's3://b/x=a, s3://b/x/=c',
    's3://b/=~/lake',
    's3://b/=s3:///c',
    's3://b/=gs://c/',
    's3://b/=file:///lake',
  ],
  'floecat.register.concurrency': [...NO_WHOLE_NUMBERS, '0', '65'],
  'floecat.log.level': ['', 'INFO', 'verbose', 'warning'],
  'floecat.metrics.enabled': NO_BOOLEANS,
  'floecat.retry.max-attempts': [...NO_WHOLE_NUMBERS, '0', '101'],
  'floecat.retry.deadline': [...NO_DURATIONS, '99ms', '601s'],
  'floecat.retry.base-delay': [...NO_DURATIONS.filter((text) => text !== '0d'), '61s'],
  'floecat.retry.max-delay': [...NO_DURATIONS.filter((text) => text !== '0d'), '301s'],
  'floecat.idempotency.ttl-seconds': [...NO_WHOLE_NUMBERS, '59', '2592001', '15m'],
  'floecat.idempotency.lease': [...NO_DURATIONS, '999ms', '61m'],
  'floecat.gc.pointer.min-age-ms': [...NO_WHOLE_NUMBERS, '0', '999', '2592000001', '1h'],
  'floecat.gc.cas.min-age-ms': [...NO_WHOLE_NUMBERS, '0', '999', '2592000001', '1h'],
  'floecat.gc.cas.retention': [...NO_DURATIONS, '999ms'],
  ...Object.fromEntries(
    ['idempotency', 'pointer', 'cas'].flatMap((name) => [
      [`floecat.gc.${name}.enabled`, NO_BOOLEANS],
      [`floecat.gc.${name}.tick-every`, [...NO_DURATIONS, '8d', '169h', '999ms']],
      [`floecat.gc.${name}.page-size`, [...NO_WHOLE_NUMBERS, '0', '1001']],
      [`floecat.gc.${name}.batch-limit`, [...NO_WHOLE_NUMBERS, '0', '100001']],
      [`floecat.gc.${name}.slice-millis`, [...NO_WHOLE_NUMBERS, '86400001', '5s']],
      [`floecat.gc.${name}.max-tick-millis`, [...NO_WHOLE_NUMBERS, '86400001', '10m']],
      [`floecat.gc.${name}.accounts-page-size`, [...NO_WHOLE_NUMBERS, '0', '1001']],
    ]),
  ),
  'floecat.gc.idempotency.min-age-ms': [...NO_WHOLE_NUMBERS, '2592000001', '1h'],
  'floecat.gc.tombstone.ttl-seconds': [...NO_WHOLE_NUMBERS, '315360001', '30d'],
  'floecat.gc.max-delete-ratio': [
    '',
    'NaN',
    'Infinity',
    '-0.1',
    '1.1',
    '2',
    '50%',
    '1e-1',
    '.',
    '0,5',
    '0x1',
  ],
};

const GOOD: Readonly<Record<string, readonly string[]>> = {
  ...AWS_GOOD,
  'floecat.kv': ['memory', 'local', ' local '],
  'floecat.blob': ['memory', 'local'],
  'floecat.secrets': ['memory', 'local'],
  'floecat.data-dir': ['.', '/var/lib/floecat', 'a b', '~x'],
  'floecat.local.flush': ['true', 'false'],
  'floecat.account': ['default', 'a/b', 'x'.repeat(128), 'é'.repeat(64)],
  'floecat.catalog': ['Ünïcode 🐟'],
  'floecat.seed.enabled': ['true', 'false'],
  'floecat.http.host': ['0.0.0.0', '::', '::1', 'localhost', 'a-b.example', 'my_host'],
  'floecat.http.port': ['0', '1', '65535', ' 80 '],
  'floecat.upstream.locations': ['', 'a=b', ' a = b , c = d '],
  'floecat.register.concurrency': ['1', '64'],
  'floecat.log.level': ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
  'floecat.metrics.enabled': ['true', 'false'],
  'floecat.retry.max-attempts': ['1', '100'],
  'floecat.retry.deadline': ['100ms', '10m'],
  'floecat.retry.base-delay': ['0ms', '5s'],
  'floecat.retry.max-delay': ['50ms', '5m'],
  'floecat.idempotency.ttl-seconds': ['60', '2592000'],
  'floecat.idempotency.lease': ['1s', '450s'],
  'floecat.gc.pointer.min-age-ms': ['1000', '2592000000'],
  'floecat.gc.cas.min-age-ms': ['1000', '2592000000'],
  'floecat.gc.cas.retention': ['1s', '1000ms', '3650d'],
  ...Object.fromEntries(
    ['idempotency', 'pointer', 'cas'].flatMap((name) => [
      [`floecat.gc.${name}.enabled`, ['true', 'false']],
      [`floecat.gc.${name}.tick-every`, ['1s', '7d', '168h']],
      [`floecat.gc.${name}.page-size`, ['1', '1000']],
      [`floecat.gc.${name}.batch-limit`, ['1', '100000']],
      [`floecat.gc.${name}.slice-millis`, ['0', '86400000']],
      [`floecat.gc.${name}.max-tick-millis`, ['0', '86400000']],
      [`floecat.gc.${name}.accounts-page-size`, ['1', '1000']],
    ]),
  ),
  'floecat.gc.idempotency.min-age-ms': ['0', '2592000000'],
  'floecat.gc.tombstone.ttl-seconds': ['0', '315360000'],
  'floecat.gc.max-delete-ratio': ['0', '1', '0.5', '.25', '1.0', '0.0'],
};

suite('values of each property', () => {
  test('every property has bad values here', () => {
    assert.deepEqual(
      Object.keys(BAD).toSorted(),
      propertiesOf(SCHEMA)
        .map(({ name }) => name)
        .toSorted(),
    );
  });

  for (const [name, values] of Object.entries(BAD))
    test(`${name} refuses what it cannot use, and says what it accepts`, () => {
      for (const value of values) {
        const problem = onlyProblem(setting(name, value));
        assert.equal(problem.name, name, JSON.stringify(value));
        const variable = environmentVariable(name);
        const origin = isSecret(name) ? { kind: 'environment', variable } : { kind: 'argument' };
        assert.deepEqual(problem.origin, origin);
        assert.equal(problem.value, isSecret(name) ? '***' : value.trim());
        assert.notEqual(problem.message, '');
      }
    });

  for (const [name, values] of Object.entries(GOOD))
    test(`${name} accepts its limits`, () => {
      for (const value of values)
        assert.doesNotThrow(() => load(setting(name, value)), JSON.stringify(value));
    });

  test('durations are milliseconds', () => {
    for (const [text, expected] of [
      ['2500ms', 2_500],
      ['90s', 90_000],
      ['10m', 600_000],
      ['2h', 7_200_000],
      ['7d', 604_800_000],
    ] as const)
      assert.equal(load(setting('floecat.gc.cas.retention', text)).layout.casRetentionMs, expected);
  });

  test('upstream locations: the first = separates, blanks go, folders begin at the working directory', () => {
    const { locations } = load(
      setting('floecat.upstream.locations', ' s3://lake/a = ./lake=b ,s3://old/=/mnt/old'),
    ).upstream;
    assert.deepEqual(locations, [
      { prefix: 's3://lake/a', folder: join(NOWHERE, 'lake=b') },
      { prefix: 's3://old/', folder: '/mnt/old' },
    ]);
    assert.deepEqual(load().upstream.locations, []);
  });

  test('upstream locations: a prefix may stand for a place in S3', () => {
    const { locations } = load(
      setting('floecat.upstream.locations', 'data=s3a://moved/data/, a=s3://b, c=./s3'),
    ).upstream;
    assert.deepEqual(locations, [
      { prefix: 'data', location: 's3://moved/data' },
      { prefix: 'a', location: 's3://b' },
      { prefix: 'c', folder: join(NOWHERE, 's3') },
    ]);
  });

  test('upstream locations: every wrong entry is told, by number', () => {
    const { message } = onlyProblem(setting('floecat.upstream.locations', 'a=b, c, a=d, =e, f='));
    for (const number of [2, 3, 4, 5]) assert.match(message, new RegExp(`entry ${number}: `));
    assert.doesNotMatch(message, /entry 1: /);
  });
});
