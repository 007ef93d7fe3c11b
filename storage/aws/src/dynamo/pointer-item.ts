import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { OwnerState, Pointer } from '@floecat/storage-spi';
import { OWNER_STATES, StorageCorruptionError, StorageMisconfiguredError } from '@floecat/storage-spi';

import { ATTRIBUTES, ROW_FORMAT } from './dynamo-constants.ts';

export type Item = Record<string, AttributeValue>;

/** The item's primary key. */
export function keyItem(shard: string, key: string): Item {
  return { [ATTRIBUTES.shard]: { S: shard }, [ATTRIBUTES.key]: { S: key } };
}

/** The row of a pointer, whole. */
export function toItem(shard: string, pointer: Pointer): Item {
  const { kind, state, prevWriteId, expiresAt } = pointer;
  const item = keyItem(shard, pointer.key);
  item[ATTRIBUTES.format] = { N: String(ROW_FORMAT) };
  item[ATTRIBUTES.kind] = { S: kind };
  if (kind === 'blob') item[ATTRIBUTES.blobUri] = { S: pointer.blobUri };
  else item[ATTRIBUTES.value] = { S: pointer.value };
  if (state !== undefined) item[ATTRIBUTES.state] = { S: state };
  item[ATTRIBUTES.version] = { N: String(pointer.version) };
  item[ATTRIBUTES.writeId] = { S: pointer.writeId };
  if (prevWriteId !== undefined) item[ATTRIBUTES.prevWriteId] = { S: prevWriteId };
  item[ATTRIBUTES.incarnation] = { S: pointer.incarnation };
  item[ATTRIBUTES.updatedAt] = { N: String(pointer.updatedAt) };
  if (expiresAt !== undefined) item[ATTRIBUTES.expiresAt] = { N: String(expiresAt) };
  return item;
}

/**
 * The pointer in a row. `STORAGE_MISCONFIGURED` if a newer version of this software wrote it, `STORAGE_CORRUPTION`
 * if it lacks something: nothing is ever filled in for what is missing.
 */
export function fromItem(item: Item, operation: string): Pointer {
  const key = item[ATTRIBUTES.key]?.S ?? '';
  const row = new Row(item, { operation, key });
  const format = row.number(ATTRIBUTES.format);
  if (format > ROW_FORMAT) throw newer({ operation, key }, `format ${format}`);
  const kind = row.text(ATTRIBUTES.kind);
  if (kind !== 'blob' && kind !== 'value') throw newer({ operation, key }, `kind ${JSON.stringify(kind)}`);
  const state = row.optionalText(ATTRIBUTES.state);
  if (state !== undefined && !OWNER_STATES.includes(state as OwnerState))
    throw newer({ operation, key }, `state ${JSON.stringify(state)}`);
  const prevWriteId = row.optionalText(ATTRIBUTES.prevWriteId);
  const expiresAt = item[ATTRIBUTES.expiresAt] && row.number(ATTRIBUTES.expiresAt);
  const version = row.number(ATTRIBUTES.version);
  if (version < 1) throw damaged({ operation, key }, `version ${version}`);
  return Object.freeze({
    key,
    version,
    ...(kind === 'blob'
      ? { kind, blobUri: row.text(ATTRIBUTES.blobUri) }
      : { kind, value: row.text(ATTRIBUTES.value) }),
    ...(state !== undefined && { state: state as OwnerState }),
    ...(expiresAt !== undefined && { expiresAt }),
    writeId: row.text(ATTRIBUTES.writeId),
    ...(prevWriteId !== undefined && { prevWriteId }),
    incarnation: row.text(ATTRIBUTES.incarnation),
    updatedAt: row.number(ATTRIBUTES.updatedAt),
  });
}

interface Position {
  readonly operation: string;
  readonly key: string;
}

class Row {
  readonly #item: Item;
  readonly #at: Position;

  constructor(item: Item, at: Position) {
    this.#item = item;
    this.#at = at;
  }

  text(name: string): string {
    const found = this.optionalText(name);
    if (found === undefined) throw damaged(this.#at, `no ${name}`);
    return found;
  }

  optionalText(name: string): string | undefined {
    const attribute = this.#item[name];
    if (attribute && attribute.S === undefined) throw damaged(this.#at, `${name} is no string`);
    return attribute?.S;
  }

  number(name: string): number {
    const text = this.#item[name]?.N;
    const found = Number(text);
    if (text === undefined || !Number.isSafeInteger(found))
      throw damaged(this.#at, `${name} is no whole number`);
    return found;
  }
}

function newer({ operation, key }: Position, what: string): StorageMisconfiguredError {
  return new StorageMisconfiguredError(
    `${operation}: the row ${JSON.stringify(key)} has ${what}, which this version does not know: run a newer one`,
    { operation, key },
  );
}

function damaged({ operation, key }: Position, what: string): StorageCorruptionError {
  return new StorageCorruptionError(
    `${operation}: the row ${JSON.stringify(key)} is damaged (${what}): see floecat verify`,
    { operation, key },
  );
}
