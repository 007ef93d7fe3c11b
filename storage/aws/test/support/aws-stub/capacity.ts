import type { AttributeJson, ItemJson, Units } from './dynamo-json.ts';
import { invalid, NO_UNITS } from './dynamo-json.ts';

const MAX_ITEM_BYTES = 400 * 1024;

/** What requests cost, by AWS's rules for items and their sizes. */
export function sumUnits(all: readonly Units[]): Units {
  return all.reduce((a, b) => ({ read: a.read + b.read, write: a.write + b.write }), NO_UNITS);
}

/** One unit for each KB that was begun of the larger of what was there and what is, at least one. */
export function writeUnits(before: ItemJson | undefined, after: ItemJson | undefined): Units {
  const bytes = Math.max(sizeOf(before), sizeOf(after));
  return { read: 0, write: Math.max(1, Math.ceil(bytes / 1024)) };
}

/** One unit for each 4 KB that was begun, at least one; half of it for an eventually consistent read. */
export function readUnits(bytes: number, strong: boolean): Units {
  const units = Math.max(1, Math.ceil(bytes / 4096));
  return { read: strong ? units : units / 2, write: 0 };
}

/** An item in a transaction is prepared and committed, and pays for both. */
export function twice({ read, write }: Units): Units {
  return { read: 2 * read, write: 2 * write };
}

/** An item that the service would take. */
export function sound(item: ItemJson | undefined): ItemJson {
  if (!item || sizeOf(item) > MAX_ITEM_BYTES)
    throw invalid('Item size has exceeded the maximum allowed size');
  return item;
}

/** Bytes of an item for capacity, names included. */
export function sizeOf(item: ItemJson | undefined): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(item ?? {}))
    bytes += Buffer.byteLength(name) + sizeOfValue(value);
  return bytes;
}

function sizeOfValue({ S, N, B, BOOL }: AttributeJson): number {
  if (S !== undefined) return Buffer.byteLength(S);
  if (B !== undefined) return Buffer.from(B, 'base64').length;
  if (BOOL !== undefined) return 1;
  if (N === undefined) throw invalid('an attribute of a type that this stub does not have');
  return 1 + Math.ceil(significantDigits(N) / 2);
}

function significantDigits(number: string): number {
  if (!/^-?\d{1,38}$/.test(number)) throw invalid(`${number} is no number that this stub has`);
  return number.replace(/^-?0*/, '').replace(/0*$/, '').length;
}
