import type { Capability, StorageFixture } from './fixture.ts';

/** One law and how to check it. Throws (an `AssertionError`, mostly) where the law is broken. */
export interface ContractCase {
  /** Number in the list of contract cases, in brackets, and the law. Unique within its contract. */
  readonly name: string;
  /** The case makes no sense without these, and is skipped. */
  readonly needs?: readonly Capability[];
  readonly run: (fixture: StorageFixture) => Promise<void>;
}

export type MakeFixture = () => Promise<StorageFixture>;

export type CaseResult =
  | { readonly name: string; readonly outcome: 'passed' }
  | { readonly name: string; readonly outcome: 'failed'; readonly error: unknown }
  | { readonly name: string; readonly outcome: 'skipped'; readonly missing: readonly Capability[] };

/** Runs one case on a fixture of its own. Never throws for the case; a fixture that cannot be made throws. */
export async function runCase(contractCase: ContractCase, makeFixture: MakeFixture): Promise<CaseResult> {
  const { name } = contractCase;
  const fixture = await makeFixture();
  const result = await runOn(contractCase, fixture);
  try {
    await fixture[Symbol.asyncDispose]();
    return result;
  } catch (error) {
    return result.outcome === 'failed' ? result : { name, outcome: 'failed', error };
  }
}

async function runOn({ name, needs = [], run }: ContractCase, fixture: StorageFixture): Promise<CaseResult> {
  const missing = needs.filter((capability) => !fixture.capabilities[capability]);
  if (missing.length > 0) return { name, outcome: 'skipped', missing };
  try {
    await run(fixture);
    return { name, outcome: 'passed' };
  } catch (error) {
    return { name, outcome: 'failed', error };
  }
}

/** Runs cases one after another, under any runner or none. */
export async function runContract(
  cases: readonly ContractCase[],
  makeFixture: MakeFixture,
): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = [];
  for (const contractCase of cases) results.push(await runCase(contractCase, makeFixture));
  return results;
}
