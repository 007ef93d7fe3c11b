export { rescueBlob, wholeVersion } from './blobs/rescue-blob.ts';
export * from './errors.ts';
export type { Progress, RecoveryContext } from './recovery-context.ts';
