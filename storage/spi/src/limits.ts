/**
 * The limits of every backend, each the narrowest of what DynamoDB, S3, Secrets Manager, LMDB and the file system
 * allow, so that a store can be moved. Refused before any I/O, with limit and size in the message.
 */

/** A pointer key, in UTF-8 bytes (DynamoDB sort key, S3 object key). */
export const MAX_KEY_BYTES = 1_024;
/** A key of the store's own rows: four bytes less, which DynamoDB needs to keep them apart from the layout row. */
export const MAX_SYSTEM_KEY_BYTES = MAX_KEY_BYTES - 4;
/** A pointer as one DynamoDB item, attribute names included. */
export const MAX_POINTER_BYTES = 409_600;
/** What a pointer takes beside its key and its URI or value: names, ids and numbers, rounded up. */
export const POINTER_OVERHEAD_BYTES = 512;
/** Operations of one batch (one DynamoDB transaction). */
export const MAX_BATCH_OPERATIONS = 100;
/** All items of one batch together. */
export const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Rows of one page. Asking for more is clamped, not refused. */
export const MAX_PAGE_SIZE = 1_000;
/** Page size where none is given. */
export const DEFAULT_PAGE_SIZE = 1_000;
/** One blob: one put, never multipart. */
export const MAX_BLOB_BYTES = 64 * 1024 * 1024;
/** Keys of one bulk delete request. */
export const MAX_BULK_DELETE_KEYS = 1_000;
/** One secret's payload. Secrets Manager refuses an empty one. */
export const MAX_SECRET_BYTES = 65_536;
/** A page token; longer ones are refused unread. */
export const MAX_PAGE_TOKEN_CHARS = 4_096;
/** `expiresAt` is in seconds; a value above this is taken for milliseconds and refused. */
export const MAX_EXPIRES_AT_SECONDS = 100_000_000_000;
/** Version ids of blobs, as given back to the store. */
export const MAX_VERSION_ID_CHARS = 1_024;
