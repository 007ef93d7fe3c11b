export * from './errors.ts';
export type { Progress, RecoveryContext } from './recovery-context.ts';
