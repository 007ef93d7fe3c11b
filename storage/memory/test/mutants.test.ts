import assert from 'node:assert/strict';
import { test } from 'node:test';

import { StorageError } from '@floecat/storage-spi';
import type { ContractCase } from '@floecat/storage-testkit';
import { blobContract, pointerContract, runContract, secretsContract } from '@floecat/storage-testkit';

import { blobMutants } from './blob-mutants.ts';
import { openFixtureOf } from './memory-fixture.ts';
import type { Mutant } from './mutant.ts';
import { pointerReadMutants } from './pointer-read-mutants.ts';
import { pointerWriteMutants } from './pointer-write-mutants.ts';
import { secretsMutants } from './secrets-mutants.ts';

const CONTRACTS: readonly [what: string, cases: readonly ContractCase[], mutants: readonly Mutant[]][] = [
  ['pointers', pointerContract, [...pointerWriteMutants, ...pointerReadMutants]],
  ['blobs', blobContract, blobMutants],
  ['secrets', secretsContract, secretsMutants],
];

/** A failed assertion, or an answer of the store that the case did not reckon with; not a crash of the case. */
function isFinding(error: unknown): boolean {
  if (error instanceof assert.AssertionError || error instanceof StorageError) return true;
  return error instanceof Error && isFinding(error.cause);
}

for (const [what, cases, mutants] of CONTRACTS) {
  void test(`${what}: the harness of the mutants passes the sound store, every case of it`, async () => {
    const results = await runContract(cases, () => openFixtureOf());
    const failed = results.filter((result) => result.outcome === 'failed');
    assert.deepEqual(failed, []);
    assert.ok(results.some((result) => result.outcome === 'passed'));
  });

  for (const { bug, law, ...parts } of mutants)
    void test(`${what} where ${bug}: caught by ${law}`, async (t) => {
      const lawful = cases.filter(({ name }) => name.includes(law));
      const results = await runContract(lawful, () => openFixtureOf(parts));
      const caught = results.flatMap((result) => (result.outcome === 'failed' ? [result] : []));
      assert.ok(caught.length > 0, `none of ${lawful.length} cases noticed`);
      for (const { name, error } of caught) assert.ok(isFinding(error), `${name} crashed: ${String(error)}`);
      t.diagnostic(`${bug}: ${caught.map(({ name }) => name).join('; ')}`);
    });
}
