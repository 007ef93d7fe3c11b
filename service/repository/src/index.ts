export type { LoadedAccount } from './account-repository.ts';
export * from './blob-writer.ts';
export type { Change } from './change.ts';
export { changeOf, dropOf } from './change.ts';
export { commitOne } from './commit-one.ts';
export type { LoadedCatalog } from './catalog-repository.ts';
export type { DropOptions } from './drop.ts';
export * from './errors.ts';
export type { DamagedRow } from './load.ts';
export * from './names.ts';
export type { LoadedNamespace } from './namespace-repository.ts';
export * from './page.ts';
export * from './pointer-keys.ts';
export * from './repositories.ts';
export * from './repository-context.ts';
export * from './key-shapes.ts';
export * from './kinds.ts';
export type { ResourceKind } from './resource-kind.ts';
export type { Also, ChangeOptions, CommitOptions } from './commit.ts';
export { loadRoot } from './load.ts';
export { parentChecks, parentOf } from './parent-checks.ts';
export type { ChangeResource, NewBlobs, Target, UpdateOptions } from './resource-repository.ts';
export type { Dropped, Loaded, MutationMeta } from './root-blob.ts';
export { decodeRoot, isDropped, isPresent } from './root-blob.ts';
export type { LoadedBundle, LoadedStatistics, NewSnapshot } from './snapshot-repository.ts';
export * from './sweep.ts';
export { storeTime } from './store-time.ts';
export * from './system-keys.ts';
export type { LoadedTable, NewTable } from './table-repository.ts';
export * from './transaction.ts';
export type { LoadedView, NewView } from './view-repository.ts';
export type { Json } from './idempotency/idempotency-record.ts';
export {
  fingerprintOf,
  MAX_IDEMPOTENCY_KEY_BYTES,
  MAX_RESULT_BYTES,
} from './idempotency/idempotency-record.ts';
export * from './idempotency/idempotency-settings.ts';
export * from './idempotency/run-once.ts';
export * from './retry/retry-policy.ts';
export * from './retry/run-with-retry.ts';
export * from './retry/settle-write.ts';
