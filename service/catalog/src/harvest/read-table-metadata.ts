import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

import type { CallOptions } from '@floecat/storage-spi';
import { InvalidArgumentError, StorageNotFoundError } from '@floecat/storage-spi';

import { MAX_METADATA_BYTES } from './limits.ts';
import { hintedMetadata, newestMetadata } from './newest-metadata.ts';
import type { TableMetadata } from './table-metadata.ts';
import { parseTableMetadata } from './table-metadata.ts';
import type { UpstreamReader } from './upstream-reader.ts';

export interface TableMetadataFile {
  /** Where the metadata was read: the location asked for, or what was found below it. */
  readonly metadataLocation: string;
  /** The file as it is, decompressed and without a byte order mark: UTF-8 JSON. */
  readonly text: Uint8Array;
  readonly metadata: TableMetadata;
}

const unzip = promisify(gunzip);

/**
 * Reads table metadata from a metadata file (a name that ends in `.json` or `.json.gz`) or from a table's location:
 * there the file that `metadata/version-hint.text` names, else the newest of `metadata/*.metadata.json`. Gzip is
 * told by the bytes, not by the name.
 *
 * Throws `INVALID_ARGUMENT` where it is not table metadata, `STORAGE_NOT_FOUND` where there is none, and what
 * {@link UpstreamReader} throws.
 */
export async function readTableMetadata(
  reader: UpstreamReader,
  location: string,
  options: CallOptions = {},
): Promise<TableMetadataFile> {
  if (/\.json(?:\.gz)?$/.test(location)) return await readMetadataFile(reader, location, options);
  const folder = `${location.replace(/\/+$/, '')}/metadata`;
  const read = (name: string): Promise<TableMetadataFile> =>
    readMetadataFile(reader, `${folder}/${name}`, options);
  const hinted = await hintedMetadata(reader, folder, read, options);
  if (hinted) return hinted;
  const newest = await newestMetadata(reader, folder, read, options);
  if (newest) return newest;
  throw new StorageNotFoundError(
    `${location} has no metadata file in ${folder}: name the table's location or its metadata file`,
    { operation: 'readTableMetadata', key: location },
  );
}

/** Without a byte order mark: it is no JSON, and the text is served inside of some. */
function withoutMark(text: Uint8Array): Uint8Array {
  return text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? text.subarray(3) : text;
}

async function readMetadataFile(
  reader: UpstreamReader,
  metadataLocation: string,
  options: CallOptions,
): Promise<TableMetadataFile> {
  const bytes = await reader.read(metadataLocation, { ...options, maxBytes: MAX_METADATA_BYTES });
  try {
    const text = withoutMark(bytes[0] === 0x1f && bytes[1] === 0x8b ? await unzipped(bytes) : bytes);
    const decoded = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text);
    return { metadataLocation, text, metadata: parseTableMetadata(decoded, metadataLocation) };
  } catch (cause) {
    if (cause instanceof InvalidArgumentError) throw cause;
    throw new InvalidArgumentError(
      `${metadataLocation} cannot be registered: it is neither UTF-8 text nor whole gzip of it (${(cause as Error).message})`,
      { operation: 'readTableMetadata', key: metadataLocation, cause },
    );
  }
}

function unzipped(bytes: Uint8Array): Promise<Uint8Array> {
  return unzip(bytes, { maxOutputLength: MAX_METADATA_BYTES });
}
