// Checks that packages depend on each other only the allowed way, and that each import is declared. Circles
// between files are found by the linter (import/no-cycle), circles between projects by the compiler.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Which of our packages each package may import. Only `config` imports a backend. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  '@floecat/proto': [],
  '@floecat/storage-spi': [],
  '@floecat/storage-testkit': ['@floecat/storage-spi'],
  '@floecat/storage-memory': ['@floecat/storage-spi'],
  '@floecat/storage-local': ['@floecat/storage-spi'],
  '@floecat/storage-aws': ['@floecat/storage-spi'],
  '@floecat/config': [
    '@floecat/storage-spi',
    '@floecat/storage-memory',
    '@floecat/storage-local',
    '@floecat/storage-aws',
  ],
  '@floecat/repository': ['@floecat/storage-spi', '@floecat/proto'],
  '@floecat/gc': ['@floecat/storage-spi', '@floecat/repository'],
  '@floecat/recovery': ['@floecat/storage-spi', '@floecat/proto', '@floecat/repository'],
  '@floecat/catalog': ['@floecat/storage-spi', '@floecat/proto', '@floecat/repository', '@floecat/config'],
  '@floecat/cli': [
    '@floecat/storage-spi',
    '@floecat/proto',
    '@floecat/repository',
    '@floecat/config',
    '@floecat/gc',
    '@floecat/recovery',
    '@floecat/catalog',
  ],
};

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const IMPORT = /^(?:import|export)\s(?:[^;']*?\bfrom\s)?'([^']+)'/gm;
const problems: string[] = [];
const root = join(import.meta.dirname, '..');
const manifests = globSync('{proto,storage/*,service/*,cli}/package.json', { cwd: root });

for (const path of manifests) {
  const folder = dirname(path);
  const { name, dependencies = {} } = JSON.parse(readFileSync(join(root, path), 'utf8')) as Manifest;
  const allowed = ALLOWED[name];
  if (!allowed) {
    problems.push(`${path}: package ${name} is not listed in tools/check-dependencies.ts`);
    continue;
  }
  for (const dependency of Object.keys(dependencies))
    if (dependency.startsWith('@floecat/') && !allowed.includes(dependency))
      problems.push(`${path}: ${name} must not depend on ${dependency}`);
  if (name === '@floecat/storage-spi' && Object.keys(dependencies).length > 0)
    problems.push(`${path}: the contract has no runtime dependency`);
  for (const file of globSync(`${folder}/src/**/*.ts`, { cwd: root }))
    for (const [, specifier = ''] of readFileSync(join(root, file), 'utf8').matchAll(IMPORT)) {
      if (specifier.startsWith('.') || specifier.startsWith('node:')) continue;
      const target = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
      if (!(target in dependencies))
        problems.push(`${file}: imports ${target}, which ${path} does not declare`);
    }
}

for (const problem of problems) process.stderr.write(problem + '\n');
if (problems.length > 0) process.exitCode = 1;
