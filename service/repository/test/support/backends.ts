import type { StorageFixture } from '@floecat/storage-testkit';

import { openLocalFixture } from '../../../../storage/local/test/local-fixture.ts';
import { openFixtureOf } from '../../../../storage/memory/test/memory-fixture.ts';

/** Stores that outlive their clients, so that a case can restart. */
export const BACKENDS: readonly (readonly [name: string, open: () => Promise<StorageFixture>])[] = [
  ['memory', () => openFixtureOf()],
  ['local', openLocalFixture],
];
