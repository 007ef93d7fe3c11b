import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';

import { explainSettings, formatExplanation, propertiesOf, SCHEMA } from '@floecat/config';

import { folder, input, NOWHERE } from './support.ts';

suite('explaining', () => {
  test('every property has its value in effect, its origin and what that won over', (t) => {
    const cwd = folder(t, { 'application.properties': '\nfloecat.http.port=1\nfloecat.data-dir=lake\n' });
    const env = { FLOECAT_HTTP_PORT: '2' };
    const args = ['-Dfloecat.http.port=3', '-Dfloecat.secrets=memory'];
    const explanation = explainSettings(input({ cwd, env, args }));
    const file = join(cwd, 'application.properties');
    assert.equal(explanation.file, file);
    assert.deepEqual(explanation.problems, []);
    assert.deepEqual(
      explanation.properties.map(({ name }) => name),
      propertiesOf(SCHEMA).map(({ name }) => name),
    );
    const of = (name: string): object => explanation.properties.find((one) => one.name === name) ?? {};
    assert.deepEqual(of('floecat.http.port'), {
      name: 'floecat.http.port',
      value: '3',
      origin: { kind: 'argument' },
      overridden: [
        { kind: 'environment', variable: 'FLOECAT_HTTP_PORT' },
        { kind: 'file', file, line: 2 },
      ],
    });
    assert.deepEqual(of('floecat.data-dir'), {
      name: 'floecat.data-dir',
      value: join(cwd, 'lake'),
      origin: { kind: 'file', file, line: 3 },
      overridden: [],
    });
    assert.deepEqual(of('floecat.config'), {
      name: 'floecat.config',
      value: null,
      origin: { kind: 'default' },
      overridden: [],
    });
    assert.deepEqual(JSON.parse(JSON.stringify(explanation)), explanation);
  });

  test('for people: a line a property', (t) => {
    const cwd = folder(t, { 'application.properties': 'floecat.http.port=1\n' });
    const text = formatExplanation(explainSettings(input({ cwd, env: { FLOECAT_HTTP_PORT: '2' } })));
    const file = join(cwd, 'application.properties');
    assert.ok(text.startsWith(`Properties file: ${file}\n`));
    assert.match(text, /^floecat\.config \(not set\) +default$/m);
    assert.match(text, /^floecat\.account=default +default$/m);
    assert.match(text, /^floecat\.secrets=local +default$/m);
    assert.match(text, /^floecat\.http\.port=2 +environment variable FLOECAT_HTTP_PORT, over .*:1$/m);
    assert.ok(text.endsWith('\n') && !text.includes('Wrong:'));
    assert.match(formatExplanation(explainSettings(input())), /^No properties file was read\.$/m);
  });

  test('what is wrong is told beside the rest, not thrown', () => {
    const explanation = explainSettings(input({ args: ['-Dfloecat.http.port=x', '-Dfloecat.kv=memory'] }));
    assert.equal(explanation.problems.length, 2);
    const text = formatExplanation(explanation);
    assert.match(text, /^floecat\.http\.port=x +argument -D$/m);
    assert.match(text, /\nWrong:\n {2}floecat\.http\.port = "x" \(argument -D\): expected /);
    assert.ok(text.includes(`floecat.data-dir=${join(NOWHERE, '.floecat')}`));
  });
});
