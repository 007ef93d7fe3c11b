import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { environmentVariable, propertiesOf, SCHEMA } from '@floecat/config';

import { property, section } from '../src/property.ts';
import { PropertyNames } from '../src/property-names.ts';
import { boolean } from '../src/text-types.ts';
import { load, onlyProblem } from './support.ts';

const names = new PropertyNames(SCHEMA);

suite('names', () => {
  test('dots and dashes are underscores in the environment', () => {
    assert.equal(environmentVariable('floecat.kv.table'), 'FLOECAT_KV_TABLE');
    assert.equal(environmentVariable('floecat.gc.pointer.min-age-ms'), 'FLOECAT_GC_POINTER_MIN_AGE_MS');
  });

  test('every property is found by its name and its variable, and no two share one', () => {
    const properties = propertiesOf(SCHEMA);
    const variables = new Set(properties.map(({ name }) => environmentVariable(name)));
    assert.equal(variables.size, properties.length);
    for (const one of properties) {
      assert.match(one.name, /^floecat(\.[a-z][a-z\d]*(-[a-z]+)*)+$/);
      assert.equal(names.byName(one.name), one);
      assert.equal(names.byVariable(environmentVariable(one.name)), one);
      assert.equal(names.byName(environmentVariable(one.name)), undefined);
      assert.equal(names.byVariable(one.name), undefined);
    }
  });

  test('a schema where two share a variable is refused', () => {
    const clash = {
      one: section('One', { a: property('floecat.a.b-c', boolean, 'true', 'One.') }),
      two: section('Two', { a: property('floecat.a.b.c', boolean, 'true', 'Two.') }),
    };
    assert.throws(
      () => new PropertyNames(clash),
      /floecat\.a\.b-c and floecat\.a\.b\.c would both be FLOECAT_A_B_C/,
    );
  });

  test('each property is set through its variable', () => {
    const values: Readonly<Record<string, string>> = {
      FLOECAT_HTTP_PORT: '9000',
      FLOECAT_DATA_DIR: '/lake',
      FLOECAT_GC_CAS_MIN_AGE_MS: '5000',
    };
    const { http, kv, layout } = load({ env: values });
    assert.equal(http.port, 9000);
    assert.deepEqual(kv, { backend: 'local', dataDir: '/lake', flush: true });
    assert.equal(layout.casGraceMs, 5_000);
  });

  test('an unknown name is told with the nearest known one, however it is spelled', () => {
    for (const [name, nearest] of [
      ['floecat.htp.port', 'floecat.http.port'],
      ['floecat.gc.cas.min-age', 'floecat.gc.cas.min-age-ms'],
      ['floecat.gc.cas.min.age.ms', 'floecat.gc.cas.min-age-ms'],
      ['floecat.dataDir', 'floecat.data-dir'],
      ['floecat.port', 'floecat.http.port'],
      ['floecat.retention', 'floecat.gc.cas.retention'],
      ['floecat.http.host.name', 'floecat.http.host'],
      ['FLOECAT_LOG_LEVEL', 'floecat.log.level'],
      ['%prod.floecat.log.level', 'floecat.log.level'],
    ] as const) {
      const problem = onlyProblem({ args: [`-D${name}=x`] });
      assert.equal(problem.name, name);
      assert.equal(problem.message, `no such property; the nearest is ${nearest}`);
      assert.equal(problem.value, undefined);
    }
  });

  test('an unknown variable is told with the nearest known one', () => {
    for (const [variable, nearest] of [
      ['FLOECAT_HTP_PORT', 'FLOECAT_HTTP_PORT'],
      ['FLOECAT_DATADIR', 'FLOECAT_DATA_DIR'],
      ['floecat_kv', 'FLOECAT_KV'],
      ['floecat.kv', 'FLOECAT_KV'],
      ['Floecat_Log_Level', 'FLOECAT_LOG_LEVEL'],
    ] as const) {
      const problem = onlyProblem({ env: { [variable]: 'x' } });
      assert.deepEqual(problem.origin, { kind: 'environment', variable });
      assert.equal(problem.message, `no such property; the nearest is ${nearest}`);
    }
  });

  test('variables of the build, of Kubernetes and of others are left alone', () => {
    const env = {
      PATH: '/bin',
      FLOECATX: '1',
      MY_FLOECAT_KV: 'x',
      FLOECAT_UNSET: undefined,
      FLOECAT_SOAK: '1',
      FLOECAT_SERVICE_HOST: '10.0.0.1',
      FLOECAT_SERVICE_PORT: '8181',
      FLOECAT_SERVICE_PORT_HTTP: '8181',
      FLOECAT_PORT: 'tcp://10.0.0.1:8181',
      FLOECAT_PORT_8181_TCP: 'tcp://10.0.0.1:8181',
      FLOECAT_PORT_8181_TCP_PROTO: 'tcp',
      FLOECAT_PORT_8181_TCP_PORT: '8181',
      FLOECAT_PORT_8181_TCP_ADDR: '10.0.0.1',
      FLOECAT_STORAGE_SERVICE_HOST: '10.0.0.2',
      FLOECAT_STORAGE_PORT: 'udp://10.0.0.2:1',
    };
    assert.deepEqual(load({ env }), load());
    assert.match(onlyProblem({ env: { FLOECAT_PORT: '8181' } }).message, /FLOECAT_HTTP_PORT/);
  });
});
