import { test } from 'node:test';
import type { TestContext } from 'node:test';

import type { ContractCase, MakeFixture } from './contract-case.ts';
import { runCase } from './contract-case.ts';
import type { ServerDefect } from './server-defect.ts';
import { checkDefects, defectOf, expectDefect } from './server-defect.ts';
import type { StorageWrapper } from './storage-wrappers.ts';
import { spiWrappers, wrapFixture } from './storage-wrappers.ts';

export interface RegisterOptions {
  /** The suite runs once more through each of these. Default: every wrapper of the SPI. */
  readonly wrappers?: readonly StorageWrapper[];
  /** A case that takes longer than this many milliseconds has hung, and fails. Default 300,000. */
  readonly timeout?: number;
  /**
   * Cases that the server below the store cannot pass. Each runs, must fail as declared, and is reported as skipped for
   * the reason declared. Default none.
   */
  readonly defects?: readonly ServerDefect[];
}

/**
 * For a backend whose cases take long: the wrappers, which the memory store shows to change no law, wait for the long
 * run (`make soak`).
 */
export const SLOW_BACKEND: RegisterOptions = {
  wrappers: process.env['FLOECAT_SOAK'] === undefined ? [] : spiWrappers,
};

/**
 * Registers a contract with `node:test`, each case on a fixture of its own, and again through each wrapper. A case
 * is skipped where the fixture declares that it lacks what the case needs, or where a declared defect of the server
 * below it kept it from passing, and for nothing else; the skip names which.
 * Each suite ends in a line that says how many cases ran, e.g. `contract pointers on memory: 91 cases`.
 */
export function registerContract(
  title: string,
  cases: readonly ContractCase[],
  makeFixture: MakeFixture,
  options: RegisterOptions = {},
): void {
  const { wrappers = spiWrappers, timeout = 300_000, defects = [] } = options;
  checkDefects(defects, cases);
  register(`contract ${title}`, cases, makeFixture, { timeout, defects });
  for (const wrapper of wrappers) {
    const makeWrapped: MakeFixture = async () => wrapFixture(await makeFixture(), wrapper);
    register(`contract ${title}, ${wrapper.name}`, cases, makeWrapped, { timeout, defects });
  }
}

function register(
  title: string,
  cases: readonly ContractCase[],
  makeFixture: MakeFixture,
  { timeout, defects }: Required<Pick<RegisterOptions, 'timeout' | 'defects'>>,
): void {
  void test(title, async (t) => {
    let skipped = 0;
    let defective = 0;
    const lacking = new Set<string>();
    const runOne = async (contractCase: ContractCase, context: TestContext): Promise<void> => {
      const result = await runCase(contractCase, makeFixture);
      if (result.outcome === 'skipped') {
        for (const capability of result.missing) lacking.add(capability);
        skipped++;
        return context.skip(`lacks ${result.missing.join(', ')}`);
      }
      const defect = defectOf(contractCase, defects);
      if (defect) {
        expectDefect(result, defect);
        defective++;
        return context.skip(`a defect of the server: ${defect.because}`);
      }
      if (result.outcome === 'failed') throw result.error;
    };
    for (const contractCase of cases)
      await t.test(contractCase.name, { timeout }, (context) => runOne(contractCase, context));
    const why = skipped === 0 ? '' : `, ${skipped} skipped for want of ${[...lacking].join(', ')}`;
    const wrong = defective === 0 ? '' : `, ${defective} kept from passing by defects of the server`;
    t.diagnostic(`${title}: ${cases.length - skipped - defective} cases${why}${wrong}`);
  });
}
