import type {
  AwsBootstrap,
  AwsPlace,
  AwsStorageConfig,
  BootstrapStep,
  StoragePolicies,
} from '@floecat/storage-aws';
import { InvalidArgumentError, StorageMisconfiguredError } from '@floecat/storage-spi';

import { awsConfig, isOnAws } from './aws-backend.ts';
import type { StorageSettings } from './storage-settings.ts';

/**
 * What prepares the table and the bucket that the settings name. Throws `StorageMisconfiguredError` where they name
 * none: the other backends make what they need by themselves.
 */
export async function openBootstrap(settings: StorageSettings): Promise<AwsBootstrap> {
  const { AwsBootstrap: Bootstrap } = await import('@floecat/storage-aws');
  return new Bootstrap(bootstrapConfig(settings));
}

/** With what {@link openBootstrap} works; also what policies and Terraform are written from. */
export function bootstrapConfig(settings: StorageSettings): AwsStorageConfig {
  if (isOnAws(settings)) return awsConfig(settings);
  throw new StorageMisconfiguredError(
    `bootstrap: floecat.kv is ${settings.kv.backend}, which needs none; it prepares a store on AWS, so set floecat.kv=dynamodb, floecat.blob=s3 and floecat.blob.s3.bucket`,
    { operation: 'bootstrap' },
  );
}

/** The least-privilege policies of the store that the settings name. Makes no request. */
export async function policiesOf(settings: StorageSettings, accountId = '*'): Promise<StoragePolicies> {
  const { storagePolicies } = await import('@floecat/storage-aws');
  return storagePolicies(bootstrapConfig(settings), placeOf(settings, accountId));
}

/** The same as Terraform, with the table and the bucket. Makes no request. */
export async function terraformOf(settings: StorageSettings, accountId = '*'): Promise<string> {
  const { storageTerraform } = await import('@floecat/storage-aws');
  return storageTerraform(bootstrapConfig(settings), placeOf(settings, accountId));
}

/** One line for people. */
export function describeStep({ target, description }: BootstrapStep): string {
  return `${target}: ${description}`;
}

function placeOf({ aws: { region } }: StorageSettings, accountId: string): AwsPlace {
  if (accountId !== '*' && !/^\d{12}$/.test(accountId))
    throw new InvalidArgumentError(
      `bootstrap: ${JSON.stringify(accountId)} is not the id of an AWS account, which has twelve digits`,
      { operation: 'bootstrap' },
    );
  return { region: region ?? '*', accountId, ...partitionOf(region) };
}

function partitionOf(region = ''): { partition?: string } {
  if (region.startsWith('cn-')) return { partition: 'aws-cn' };
  return region.startsWith('us-gov-') ? { partition: 'aws-us-gov' } : {};
}
