import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import * as sound from '@floecat/repository';
import { StorageError } from '@floecat/storage-spi';
import { importMutant } from '@floecat/storage-testkit';

import { openFixtureOf } from '../../../storage/memory/test/memory-fixture.ts';
import { LAWS } from './laws/index.ts';
import { repositoryMutants } from './mutants/repository-mutants.ts';
import type { Repository, RepositoryLaw } from './support/law-world.ts';
import { openLawWorld } from './support/law-world.ts';

const SOURCES = new URL('../src/', import.meta.url);

/** What a law finds fault with; `undefined` where it holds. */
async function broken(repo: Repository, { holds }: RepositoryLaw): Promise<unknown> {
  await using fixture = await openFixtureOf();
  try {
    await holds(await openLawWorld(repo, fixture));
    return undefined;
  } catch (error) {
    return error ?? new Error('thrown: nothing');
  }
}

/** A failed assertion, or an answer that the law did not reckon with; not a crash of the law or of the mutant. */
function isFinding(error: unknown, repo: Repository): boolean {
  if (error instanceof assert.AssertionError || error instanceof StorageError) return true;
  if (error instanceof repo.RepositoryError) return true;
  return error instanceof Error && isFinding(error.cause, repo);
}

void test('the harness of the mutants passes the sound sources, every law of them', async () => {
  const copy = await importMutant<Repository>(SOURCES, 'index.ts', {
    file: 'index.ts',
    find: "export * from './errors.ts';",
    put: "export * from './errors.ts';",
  });
  assert.notEqual(copy.RepositoryError, sound.RepositoryError, 'it is a copy');
  for (const law of LAWS) assert.equal(await broken(copy, law), undefined, law.name);
});

for (const mutant of repositoryMutants)
  void test(`where ${mutant.bug}: caught by "${mutant.law}"`, async (t) => {
    const repo = await importMutant<Repository>(SOURCES, 'index.ts', mutant);
    const laws = LAWS.filter(({ name }) => name.includes(mutant.law));
    const caught: string[] = [];
    for (const law of laws) {
      const error = await broken(repo, law);
      if (error === undefined) continue;
      assert.ok(isFinding(error, repo), `${law.name} crashed: ${inspect(error)}`);
      caught.push(law.name);
    }
    assert.ok(caught.length > 0, `none of ${laws.length} laws noticed`);
    const [first, ...others] = caught;
    t.diagnostic(`${mutant.bug}: ${first}${others.length > 0 ? ` and ${others.length} more` : ''}`);
  });
