import type { AwsStorageConfig, RetryBudget } from '@floecat/storage-aws';

import type { AwsStorageSettings } from './aws-storage-config.ts';
import { awsStorageConfig } from './aws-storage-config.ts';
import type { OpenStorageOptions } from './open-storage.ts';
import type { StorageSettings } from './storage-settings.ts';

const budgets = new Map<number, Promise<RetryBudget>>();

/** The retry budget of this process: one for all that is opened with the same number of tokens. */
export function retryBudget(capacity: number): Promise<RetryBudget> {
  const known = budgets.get(capacity);
  if (known) return known;
  const made = import('@floecat/storage-aws').then(
    ({ RETRY_BUDGET, RetryBudget: Budget }) => new Budget({ ...RETRY_BUDGET, capacity }),
  );
  budgets.set(capacity, made);
  return made;
}

/** Whether the store is on AWS: pointers and blobs are, or neither is. */
export function isOnAws(settings: StorageSettings): settings is AwsStorageSettings {
  return settings.kv.backend === 'dynamodb' && settings.blob.backend === 's3';
}

/** With what the store on AWS is opened, its options included. */
export async function awsConfig(
  settings: AwsStorageSettings,
  { clock, random }: OpenStorageOptions = {},
): Promise<AwsStorageConfig> {
  return {
    ...awsStorageConfig(settings),
    budget: await retryBudget(settings.aws.retryBudget),
    ...(clock && { clock }),
    ...(random && { random }),
  };
}
