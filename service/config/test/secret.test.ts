import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { format, inspect } from 'node:util';

import { ConfigError, formatExplanation, renderDocs, renderProperties, Secret } from '@floecat/config';

import { explain } from '../src/explain-settings.ts';
import { checkInput } from '../src/load-settings.ts';
import { optional, property, section } from '../src/property.ts';
import { secret, oneOf } from '../src/text-types.ts';
import { folder, input } from './support.ts';

const PLANTED = 'hunter2-planted';
const schema = {
  test: section('Test', {
    token: optional('floecat.test.token', secret, 'A secret.'),
    mode: property('floecat.test.mode', oneOf(['a', 'b']), 'a', 'Not a secret.'),
  }),
};

/** Everything that can be printed of a value. */
function printed(value: unknown): string {
  return [
    inspect(value, { depth: Infinity, showHidden: true }),
    inspect(value, { depth: Infinity, customInspect: false, showHidden: true }),
    format('%s %o %O %j', value, value, value, value),
    JSON.stringify(value),
    value instanceof Error ? `${value.message}\n${value.stack}\n${inspect(value.cause)}` : '',
  ].join('\n');
}

suite('secrets', () => {
  test('a secret prints as *** everywhere, and reveals itself only when asked', () => {
    const token = new Secret(PLANTED);
    assert.equal(token.reveal(), PLANTED);
    assert.equal(String(token), '***');
    assert.equal(['Bearer', token].join(' '), 'Bearer ***');
    assert.equal(JSON.stringify({ token }), '{"token":"***"}');
    assert.equal(inspect({ token }), '{ token: *** }');
    assert.deepEqual(Object.keys(token), []);
    assert.ok(!printed({ deep: [{ token }] }).includes(PLANTED));
  });

  test('a secret setting is read from each layer, as it is, and shown in none', (t) => {
    const cwd = folder(t, { 'application.properties': `floecat.test.token = ${PLANTED} \n` });
    for (const [given, expected] of [
      [{ cwd }, `${PLANTED} `],
      [{ env: { FLOECAT_TEST_TOKEN: ` ${PLANTED}\n` } }, ` ${PLANTED}\n`],
    ] as const) {
      const checked = checkInput(schema, input(given));
      assert.deepEqual(checked.problems, []);
      assert.equal(checked.draft.test.token?.reveal(), expected);
      assert.ok(!printed(checked).includes(PLANTED));
      const explanation = explain(checked);
      assert.equal(explanation.properties[0]?.value, '***');
      assert.ok(!(printed(explanation) + formatExplanation(explanation)).includes(PLANTED));
    }
  });

  test('no mistake around a secret prints it', (t) => {
    const file = (text: string): { cwd: string } => ({ cwd: folder(t, { 'application.properties': text }) });
    for (const given of [
      { args: [`-Dfloecat.test.tokn=${PLANTED}`] },
      { args: ['-D', `floecat.test.token:${PLANTED}`] },
      { env: { FLOECAT_TEST_TOKN: PLANTED } },
      file(`floecat.test.tokn=${PLANTED}`),
      file(`floecat.test.token ${PLANTED}`),
      file(`floecat.test.token=\\u12${PLANTED}`),
      file(`floecat.test.token=${PLANTED}\\d`),
      file(`floecat.test.token=${PLANTED}\nfloecat.test.token=${PLANTED}`),
      { ...file(`floecat.test.token=${PLANTED}`), env: { FLOECAT_TEST_TOKEN: '' } },
    ]) {
      const checked = checkInput(schema, input(given));
      assert.equal(checked.problems.length, 1);
      const error = new ConfigError(checked.problems);
      assert.ok(!(printed(checked) + printed(error) + formatExplanation(explain(checked))).includes(PLANTED));
    }
  });

  test('a secret on the command line is refused, and not told', () => {
    const checked = checkInput(schema, input({ args: [`-Dfloecat.test.token=${PLANTED}`] }));
    assert.match(checked.problems[0]?.message ?? '', /seen by every user .* FLOECAT_TEST_TOKEN/);
    assert.equal(checked.draft.test.token, undefined);
    assert.ok(!printed(checked).includes(PLANTED));
  });

  test('an empty secret is refused', () => {
    const { problems } = checkInput(schema, input({ env: { FLOECAT_TEST_TOKEN: '' } }));
    assert.equal(problems[0]?.message, 'expected a secret that is not empty');
    assert.equal(problems[0]?.value, '***');
  });

  test('the generated texts mark a secret', () => {
    assert.match(renderDocs(schema), /- a secret/);
    assert.match(renderProperties(schema), /^#floecat\.test\.token=$/m);
  });
});
