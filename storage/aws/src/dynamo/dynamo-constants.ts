/** Names of the table's attributes, as stored. They are part of the format: never change one. */
export const ATTRIBUTES = {
  shard: 'shard',
  key: 'key',
  format: 'fmt',
  kind: 'kind',
  blobUri: 'blob_uri',
  value: 'value',
  state: 'state',
  version: 'version',
  writeId: 'write_id',
  prevWriteId: 'prev_write_id',
  incarnation: 'incarnation',
  updatedAt: 'updated_at',
  expiresAt: 'expires_at',
} as const;

/** Format of the rows that this code writes. Rows of a newer one are neither read nor written over. */
export const ROW_FORMAT = 1;

/** The shard of the store's own rows. No pointer is ever in it. */
export const SYSTEM_SHARD = '_sys';
/** Digits of a shard's number, zeros in front. */
export const SHARD_DIGITS = 4;
export const MAX_SHARDS = 1_024;
export const DEFAULT_SHARDS = 64;

/** Limits of DynamoDB. */
export const BATCH_GET_KEYS = 100;
export const BATCH_WRITE_ITEMS = 25;

/** Requests of one call that may be under way at once. */
export const PARALLEL_REQUESTS = 16;
/** Rows of one transaction of a conditional `deleteByPrefix`: small, since one busy row holds up all of it. */
export const DELETE_TRANSACTION_ROWS = 25;
/** Rows of one Query of a call that walks everything below a prefix. */
export const WALK_ROWS = 1_000;
/** Rows that a listing may look at beyond its limit before it ends the page early. */
export const SCAN_ALLOWANCE = 10_000;
/** How often a write by version number is pinned anew when its key is deleted and created again meanwhile. */
export const MAX_PINS = 8;
