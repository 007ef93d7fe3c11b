import type { CallOptions } from '@floecat/storage-spi';
import { InvalidArgumentError, StorageNotFoundError } from '@floecat/storage-spi';

import type { TableMetadataFile } from './read-table-metadata.ts';
import type { UpstreamReader } from './upstream-reader.ts';

type Read = (name: string) => Promise<TableMetadataFile>;

const HINT = 'version-hint.text';
const MAX_HINT_BYTES = 1_024;
/** `v7.metadata.json` and `00002-{uuid}.metadata.json`, either compressed. */
const NUMBERED = /^(?:v(\d+)|(\d+)-.*?)(?:\.gz)?\.metadata\.json(?:\.gz)?$/;
const SUFFIXES = ['.metadata.json', '.gz.metadata.json', '.metadata.json.gz'];

/**
 * The metadata that `version-hint.text` leads to. Its writer updates it last, so a numbered hint may be behind: the
 * versions after it are tried too, as engines do. `undefined` where there is no hint or nothing it leads to.
 */
export async function hintedMetadata(
  reader: UpstreamReader,
  folder: string,
  read: Read,
  options: CallOptions,
): Promise<TableMetadataFile | undefined> {
  const location = `${folder}/${HINT}`;
  const bytes = await orAbsent(() => reader.read(location, { ...options, maxBytes: MAX_HINT_BYTES }));
  if (!bytes) return undefined;
  const hint = Buffer.from(bytes).toString('utf8').trim();
  // A writer that failed in the middle leaves an empty one.
  if (hint === '') return undefined;
  if (hint.includes('/'))
    throw new InvalidArgumentError(
      `${location} holds ${JSON.stringify(hint)}, which is neither a number nor a file name: mend it, or name the metadata file`,
      { operation: 'readTableMetadata', key: location },
    );
  if (!/^\d{1,18}$/.test(hint)) return await readNamed(hint, read);
  let found: TableMetadataFile | undefined;
  for (let version = BigInt(hint); ; version++) {
    const next = await readNamed(`v${version}`, read);
    if (!next) return found;
    found = next;
  }
}

async function readNamed(name: string, read: Read): Promise<TableMetadataFile | undefined> {
  const names = /\.json(?:\.gz)?$/.test(name) ? [name] : SUFFIXES.map((suffix) => name + suffix);
  for (const candidate of names) {
    const file = await orAbsent(() => read(candidate));
    if (file) return file;
  }
  return undefined;
}

/** The metadata file with the highest number; of several, the one updated last, and then the last by name. */
export async function newestMetadata(
  reader: UpstreamReader,
  folder: string,
  read: Read,
  options: CallOptions,
): Promise<TableMetadataFile | undefined> {
  let newest: string[] = [];
  let highest = -1n;
  for await (const name of reader.list(folder, options)) {
    const [, hadoop, catalog] = NUMBERED.exec(name) ?? [];
    const version = BigInt(hadoop ?? catalog ?? -1);
    if (version < highest || version < 0n) continue;
    newest = version > highest ? [name] : [...newest, name];
    highest = version;
  }
  let last: TableMetadataFile | undefined;
  for (const name of newest.sort()) {
    const file = await read(name);
    if (!last || file.metadata.lastUpdatedMs >= last.metadata.lastUpdatedMs) last = file;
  }
  return last;
}

async function orAbsent<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof StorageNotFoundError) return undefined;
    throw error;
  }
}
