import { cpSync, globSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { ROOT } from './run-process.ts';

const COPIED = [
  'proto/package.json',
  'proto/gen/**/*.{js,ts}',
  '{storage,service}/*/package.json',
  '{storage,service}/*/src/**/*.ts',
  'cli/package.json',
  'cli/src/**/*.ts',
  'tools/{localstack,run}/*',
  'package.json',
];

/** Copies what a run target needs of this checkout, so that its sources can be changed. Other packages are linked. */
export function copyCheckout(to: string): void {
  for (const file of globSync(COPIED, { cwd: ROOT })) {
    mkdirSync(join(to, dirname(file)), { recursive: true });
    cpSync(join(ROOT, file), join(to, file));
  }
  const modules = join(ROOT, 'node_modules');
  mkdirSync(join(to, 'node_modules'));
  for (const name of readdirSync(modules))
    // Those of this checkout lie in `@floecat` as relative links, which lead to the copies from there.
    if (name === '@floecat')
      cpSync(join(modules, name), join(to, 'node_modules', name), {
        recursive: true,
        verbatimSymlinks: true,
      });
    else symlinkSync(join(modules, name), join(to, 'node_modules', name));
}
