import type { StorageFixture } from '@floecat/storage-testkit';

import { openLocalFixture } from '../../../../storage/local/test/local-fixture.ts';
import { openFixtureOf } from '../../../../storage/memory/test/memory-fixture.ts';
import type { AwsFixture } from '../../../repository/test/support/aws-backend.ts';
import { startAwsBackend } from '../../../repository/test/support/aws-backend.ts';

/** A store whose blobs can be damaged behind its back. */
export interface Damageable {
  readonly fixture: StorageFixture;
  /** Damages the current version of a blob. */
  readonly damage: (uri: string) => Promise<void>;
}

export async function openDamageable(open: () => Promise<StorageFixture>): Promise<Damageable> {
  const fixture = await open();
  return {
    fixture,
    damage: async (uri) => fixture.damageBlob(uri, (await fixture.storage.blobs.head(uri)).versionId),
  };
}

async function openDamageableAws(open: () => Promise<AwsFixture>): Promise<Damageable> {
  const fixture = await open();
  return { fixture, damage: (uri) => fixture.putDamaged(uri) };
}

export const MEMORY = ['memory', () => openDamageable(openFixtureOf)] as const;
export const LOCAL = ['local', () => openDamageable(openLocalFixture)] as const;

/** DynamoDB Local with an S3 endpoint, or why they cannot run here. */
export async function startAws(): Promise<
  ({ readonly open: () => Promise<Damageable> } & AsyncDisposable) | { readonly skip: string }
> {
  const backend = await startAwsBackend();
  if ('skip' in backend) return backend;
  return {
    open: () => openDamageableAws(() => backend.open()),
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  };
}
