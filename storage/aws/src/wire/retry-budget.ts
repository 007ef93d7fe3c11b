// One budget for all that retries in a process, the layers above included: so it stands with the contract.
export { processRetryBudget, RETRY_BUDGET, RetryBudget } from '@floecat/storage-spi';
export type { RetryBudgetSettings } from '@floecat/storage-spi';
