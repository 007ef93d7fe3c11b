import { cpSync, globSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';

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

/**
 * A copy of what a run target needs of this checkout, for the suite that calls it: its sources can be changed, and changes
 * to those of this checkout restart nothing. What is installed is linked.
 */
export function copyOfCheckout(): string {
  const root = mkdtempSync(join(tmpdir(), 'floecat-checkout-'));
  after(() => rmSync(root, { recursive: true, force: true }));
  for (const file of globSync(COPIED, { cwd: ROOT })) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    cpSync(join(ROOT, file), join(root, file));
  }
  symlinkSync(join(ROOT, '.toolchain'), join(root, '.toolchain'));
  const modules = join(ROOT, 'node_modules');
  mkdirSync(join(root, 'node_modules'));
  for (const name of readdirSync(modules))
    // Those of this checkout lie in `@floecat` as relative links, which lead to the copies from there.
    if (name === '@floecat') {
      const verbatimSymlinks = true;
      cpSync(join(modules, name), join(root, 'node_modules', name), { recursive: true, verbatimSymlinks });
    } else symlinkSync(join(modules, name), join(root, 'node_modules', name));
  return root;
}
