import type { RepositoryLaw } from '../support/law-world.ts';
import { kindLaws } from './kind-laws.ts';

/** All that must hold of the repositories, on every backend. */
export const LAWS: readonly RepositoryLaw[] = [...kindLaws];
