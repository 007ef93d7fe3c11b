import type { MemoryParts } from './memory-fixture.ts';

/** A memory store with one bug. */
export interface Mutant extends MemoryParts {
  /** What is wrong with it. */
  readonly bug: string;
  /** Part of the name of the cases that check the law it breaks. */
  readonly law: string;
}
