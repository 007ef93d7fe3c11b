export * from './file-blob-store.ts';
export * from './local-pointer-store.ts';
export * from './local-secrets-manager.ts';
export * from './open-local-storage.ts';
export type { StepHook, WriteStep } from './write-steps.ts';
