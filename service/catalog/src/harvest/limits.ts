/** Limits of the harvest. What exceeds one is refused or taken for damage; nothing is cut silently. */

/** An upstream file as stored, where the caller names no other limit. */
export const MAX_UPSTREAM_FILE_BYTES = 256 * 1024 * 1024;
/** Table metadata, decompressed. */
export const MAX_METADATA_BYTES = 256 * 1024 * 1024;
/** The blocks of one Avro file together, decompressed. */
export const MAX_AVRO_BYTES = 256 * 1024 * 1024;
/** Nesting of an Avro or Iceberg schema. */
export const MAX_SCHEMA_DEPTH = 64;
/** Items of one array or map of an Avro record. A table has far fewer columns. */
export const MAX_AVRO_ITEMS = 1_000_000;
/** One manifest entry as a serialized `ScanFile`. */
export const MAX_SCAN_FILE_BYTES = 16 * 1024 * 1024;
/** Files of one scan chunk. */
export const MAX_CHUNK_FILES = 1_000;
/** Serialized size at which a chunk is closed. Only a single file above it makes a larger one. */
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024;
