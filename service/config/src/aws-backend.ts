import type { AwsStorageConfig } from '@floecat/storage-aws';
import { processRetryBudget, RETRY_BUDGET, RetryBudget } from '@floecat/storage-spi';

import type { AwsStorageSettings } from './aws-storage-config.ts';
import { awsStorageConfig } from './aws-storage-config.ts';
import type { OpenStorageOptions } from './open-storage.ts';
import type { StorageSettings } from './storage-settings.ts';

const budgets = new Map([[RETRY_BUDGET.capacity, processRetryBudget]]);

/** The retry budget of this process: one for all that is opened with the same number of tokens. */
export function retryBudget(capacity: number): RetryBudget {
  const budget = budgets.get(capacity) ?? new RetryBudget({ ...RETRY_BUDGET, capacity });
  budgets.set(capacity, budget);
  return budget;
}

/** Whether the store is on AWS: pointers and blobs are, or neither is. */
export function isOnAws(settings: StorageSettings): settings is AwsStorageSettings {
  return settings.kv.backend === 'dynamodb' && settings.blob.backend === 's3';
}

/** With what the store on AWS is opened, its options included. */
export function awsConfig(
  settings: AwsStorageSettings,
  { clock, random, observer }: OpenStorageOptions = {},
): AwsStorageConfig {
  return {
    ...awsStorageConfig(settings),
    budget: retryBudget(settings.aws.retryBudget),
    ...(clock && { clock }),
    ...(random && { random }),
    ...(observer && { observer }),
  };
}
