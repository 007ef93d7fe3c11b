import type { IcebergType } from './iceberg-type.ts';
import { parseType } from './iceberg-type.ts';
import { decodeValue } from './single-value.ts';

const MICROS = 1_000_000n;
const NANOS = 1_000_000_000n;
const DAY_SECONDS = 86_400n;

/**
 * A bound or partition value for people and JSON: numbers digit for digit, decimals exact, dates and times in ISO
 * form (a `timestamptz` ends in `+00:00`), a UUID with hyphens, binary and fixed in hex. Bytes that are no value of
 * the type, and values of types that are not known, come as `0x` and hex.
 *
 * @param type an Iceberg type, such as `decimal(9,2)`
 * @param bytes Iceberg's single-value serialization
 */
export function renderValue(type: string, bytes: Uint8Array): string {
  const parsed = parseType(type);
  return render(parsed, bytes) ?? `0x${hex(bytes)}`;
}

function render(type: IcebergType, bytes: Uint8Array): string | undefined {
  if (type.kind === 'string') return textOf(bytes);
  const value = decodeValue(type, bytes);
  if (type.kind === 'float' || type.kind === 'double') return renderFloat(type.kind, value, bytes);
  if (value === undefined) return undefined;
  if (value instanceof Uint8Array) return type.kind === 'uuid' ? hyphenate(hex(value)) : hex(value);
  const integer = BigInt(value);
  return type.kind === 'decimal'
    ? renderDecimal(integer, type.scale)
    : (RENDERERS[type.kind] ?? String)(integer);
}

const RENDERERS: Readonly<Record<string, (value: bigint) => string | undefined>> = {
  boolean: (value) => String(value !== 0n),
  date: renderDate,
  time: (value) => renderTime(value, MICROS),
  timestamp: (value) => renderTimestamp(value, MICROS),
  timestamptz: (value) => `${renderTimestamp(value, MICROS)}+00:00`,
  timestamp_ns: (value) => renderTimestamp(value, NANOS),
  timestamptz_ns: (value) => `${renderTimestamp(value, NANOS)}+00:00`,
};

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The shortest decimal that reads back as the same float. */
function renderFloat(kind: 'float' | 'double', value: unknown, bytes: Uint8Array): string | undefined {
  if (value === undefined)
    return bytes.length === 4 || (kind === 'double' && bytes.length === 8) ? 'NaN' : undefined;
  const number = value as number;
  if (Object.is(number, -0)) return '-0';
  if (kind === 'double' || !Number.isFinite(number)) return String(number);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(number.toPrecision(digits));
    if (Math.fround(short) === number) return String(short);
  }
  return String(Number(number.toPrecision(9)));
}

function renderDecimal(unscaled: bigint, scale: number): string {
  const digits = abs(unscaled)
    .toString()
    .padStart(scale + 1, '0');
  const sign = unscaled < 0n ? '-' : '';
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Of the proleptic Gregorian calendar; years outside 0 to 9999 have a sign and six digits, as in ISO 8601. */
function renderDate(days: bigint): string {
  // Days since 1 March of year 0, in eras of 400 years; years begin in March, so that leap days come last.
  const shifted = days + 719_468n;
  const era = floorDiv(shifted, 146_097n);
  const dayOfEra = shifted - era * 146_097n;
  const yearOfEra = (dayOfEra - dayOfEra / 1_460n + dayOfEra / 36_524n - dayOfEra / 146_096n) / 365n;
  const dayOfYear = dayOfEra - (365n * yearOfEra + yearOfEra / 4n - yearOfEra / 100n);
  const monthFromMarch = (5n * dayOfYear + 2n) / 153n;
  const day = dayOfYear - (153n * monthFromMarch + 2n) / 5n + 1n;
  const month = monthFromMarch < 10n ? monthFromMarch + 3n : monthFromMarch - 9n;
  const year = era * 400n + yearOfEra + (month <= 2n ? 1n : 0n);
  return `${renderYear(year)}-${pad(month, 2)}-${pad(day, 2)}`;
}

function renderYear(year: bigint): string {
  if (year >= 0n && year <= 9_999n) return pad(year, 4);
  return (year < 0n ? '-' : '+') + pad(abs(year), 6);
}

function renderTime(value: bigint, perSecond: bigint): string | undefined {
  if (value < 0n || value >= DAY_SECONDS * perSecond) return undefined;
  const seconds = value / perSecond;
  const clock = [seconds / 3_600n, (seconds / 60n) % 60n, seconds % 60n]
    .map((part) => pad(part, 2))
    .join(':');
  const fraction = value % perSecond;
  return fraction === 0n ? clock : `${clock}.${pad(fraction, perSecond.toString().length - 1)}`;
}

function renderTimestamp(value: bigint, perSecond: bigint): string {
  const days = floorDiv(value, DAY_SECONDS * perSecond);
  return `${renderDate(days)}T${renderTime(value - days * DAY_SECONDS * perSecond, perSecond)}`;
}

function floorDiv(a: bigint, b: bigint): bigint {
  return a >= 0n ? a / b : -((-a + b - 1n) / b);
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function pad(value: bigint, width: number): string {
  return value.toString().padStart(width, '0');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

function hyphenate(digits: string): string {
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join('-');
}
