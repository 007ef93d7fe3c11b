export * from './dynamo-pointer-store.ts';
export type { DynamoAdminService, DynamoService, RequestOptions } from './dynamo-service.ts';
export * from './open-dynamo-pointers.ts';
export { DEFAULT_SHARDS, MAX_SHARDS } from './dynamo-constants.ts';
export { Shards } from './shards.ts';
export { TableAdmin } from './table-admin.ts';
export * from './table-bootstrap.ts';
export * from './table-settings.ts';
