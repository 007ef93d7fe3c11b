import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';

import { propertiesOf, renderDocs, renderProperties, SCHEMA } from '@floecat/config';

import { folder, load } from './support.ts';

const root = join(import.meta.dirname, '../../..');

suite('generated files', () => {
  for (const [path, text] of [
    ['service/application.properties', renderProperties(SCHEMA)],
    ['docs/configuration.md', renderDocs(SCHEMA)],
  ] as const)
    test(`${path} is what the schema says`, () => {
      assert.equal(readFileSync(join(root, path), 'utf8'), text, 'run tools/generate-properties.ts');
    });

  test('reading service/application.properties changes no default', (t) => {
    const cwd = folder(t, { 'application.properties': renderProperties(SCHEMA) });
    const { file, ...settings } = load({ cwd });
    const { file: none, ...defaults } = load({
      cwd: folder(t),
      args: [`-Dfloecat.data-dir=${join(cwd, '.floecat')}`],
    });
    assert.equal(file, join(cwd, 'application.properties'));
    assert.equal(none, undefined);
    assert.deepEqual(settings, defaults);
  });

  test('every property stands in both, with its sentence', () => {
    const [properties, docs] = [renderProperties(SCHEMA), renderDocs(SCHEMA)];
    const settable = new Set(Array.from(properties.matchAll(/^#?(floecat[^\s=]*)=/gm), ([, key]) => key));
    for (const { name, doc, notInFile } of propertiesOf(SCHEMA)) {
      assert.ok(docs.includes(`### \`${name}\`\n\n${doc}\n`), name);
      assert.equal(settable.has(name), !notInFile, name);
    }
  });
});
