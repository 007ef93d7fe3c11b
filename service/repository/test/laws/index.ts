import type { RepositoryLaw } from '../support/law-world.ts';
import { dropLaws } from './drop-laws.ts';
import { idempotencyLaws } from './idempotency-laws.ts';
import { kindLaws } from './kind-laws.ts';
import { nameLaws } from './name-laws.ts';
import { readLaws } from './read-laws.ts';
import { transactionLaws } from './transaction-laws.ts';

/** All that must hold of the repositories, on every backend. */
export const LAWS: readonly RepositoryLaw[] = [
  ...kindLaws,
  ...nameLaws,
  ...readLaws,
  ...dropLaws,
  ...transactionLaws,
  ...idempotencyLaws,
];
