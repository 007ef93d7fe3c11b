import type { ContractCase } from '../contract-case.ts';
import { batchCases } from './batch-cases.ts';
import { casCases } from './cas-cases.ts';
import { concurrencyCases } from './concurrency-cases.ts';
import { deletePrefixCases } from './delete-prefix-cases.ts';
import { expiryCases } from './expiry-cases.ts';
import { importCases } from './import-cases.ts';
import { keyCases } from './key-cases.ts';
import { lifecycleCases } from './lifecycle-cases.ts';
import { limitCases } from './limit-cases.ts';
import { listingCases } from './listing-cases.ts';
import { ownerCases } from './owner-cases.ts';
import { tokenCases } from './token-cases.ts';
import { valueCases } from './value-cases.ts';

/** The laws of a PointerStore. */
export const pointerContract: readonly ContractCase[] = [
  ...casCases,
  ...valueCases,
  ...keyCases,
  ...listingCases,
  ...tokenCases,
  ...batchCases,
  ...ownerCases,
  ...limitCases,
  ...expiryCases,
  ...deletePrefixCases,
  ...importCases,
  ...concurrencyCases,
  ...lifecycleCases,
];
