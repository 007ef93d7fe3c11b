/** A type as Iceberg's metadata spells it. Types without values of their own, and unknown ones, are `other`. */
export type IcebergType =
  | { readonly kind: SimpleKind }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'fixed'; readonly length: number }
  | { readonly kind: 'other'; readonly name: string };

const SIMPLE_KINDS = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'timestamp_ns',
  'timestamptz_ns',
  'string',
  'uuid',
  'binary',
] as const;

export type SimpleKind = (typeof SIMPLE_KINDS)[number];

const DECIMAL = /^decimal\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/;
const FIXED = /^fixed\[\s*(\d{1,9})\s*\]$/;
const MAX_DECIMAL_DIGITS = 38;

export function parseType(text: string): IcebergType {
  if ((SIMPLE_KINDS as readonly string[]).includes(text)) return { kind: text as SimpleKind };
  const [, precision, scale] = DECIMAL.exec(text) ?? [];
  if (
    precision !== undefined &&
    Number(precision) <= MAX_DECIMAL_DIGITS &&
    Number(scale) <= MAX_DECIMAL_DIGITS
  )
    return { kind: 'decimal', precision: Number(precision), scale: Number(scale) };
  const [, length] = FIXED.exec(text) ?? [];
  if (length !== undefined) return { kind: 'fixed', length: Number(length) };
  return { kind: 'other', name: text };
}

/** One spelling for each type: `decimal(9,2)`, `fixed[16]`. */
export function typeName(type: IcebergType): string {
  if (type.kind === 'decimal') return `decimal(${type.precision},${type.scale})`;
  if (type.kind === 'fixed') return `fixed[${type.length}]`;
  return type.kind === 'other' ? type.name : type.kind;
}
