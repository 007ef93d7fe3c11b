import type { ContractCase } from '../contract-case.ts';
import { blobConcurrencyCases } from './concurrency-cases.ts';
import { contentCases } from './content-cases.ts';
import { blobLifecycleCases } from './lifecycle-cases.ts';
import { blobListingCases } from './listing-cases.ts';
import { uriCases } from './uri-cases.ts';
import { versionCases } from './version-cases.ts';

/** The laws of a BlobStore. */
export const blobContract: readonly ContractCase[] = [
  ...contentCases,
  ...uriCases,
  ...blobListingCases,
  ...versionCases,
  ...blobConcurrencyCases,
  ...blobLifecycleCases,
];
