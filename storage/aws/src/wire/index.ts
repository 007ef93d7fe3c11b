export { backoff } from './backoff.ts';
export { classify, fatal } from './classify.ts';
export type { Failure, WireCall } from './failure.ts';
export * from './retry-budget.ts';
export * from './sdk-error.ts';
export * from './wire.ts';
