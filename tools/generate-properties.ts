// Writes service/application.properties and docs/configuration.md from the schema of @floecat/config. With --check it
// writes nothing and fails where they are not what it would write.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { renderDocs, renderProperties, SCHEMA } from '@floecat/config';

const root = join(import.meta.dirname, '..');
const generated = new Map([
  ['service/application.properties', renderProperties(SCHEMA)],
  ['docs/configuration.md', renderDocs(SCHEMA)],
]);
const check = process.argv.includes('--check');

for (const [path, text] of generated) {
  const file = join(root, path);
  if (!check) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  } else if (current(file) !== text) {
    process.stderr.write(
      `${path} is not current; run: tools/with-node node --conditions=floecat-source tools/generate-properties.ts\n`,
    );
    process.exitCode = 1;
  }
}

function current(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
