/** A number that no JavaScript number prints the way it was written, such as `1.0` or `1e400`. */
export interface RawJsonNumber {
  readonly rawJSON: string;
}

// Part of the language since Node 21, but not yet of the compiler's library.
interface JsonWithSource {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): RawJsonNumber;
  isRawJSON(value: unknown): value is RawJsonNumber;
}

const json = JSON as unknown as JsonWithSource;

/**
 * Parses JSON without changing a number. A number that JavaScript prints as it was written is a `number`, another
 * integer is a `bigint`, any other is a {@link RawJsonNumber}. Throws `SyntaxError`, or `RangeError` where the
 * nesting is too deep for the stack.
 */
export function parseJson(text: string): unknown {
  return json.parse(text, (_key, value, { source }) => {
    if (typeof value !== 'number' || source === undefined) return value;
    if (String(value) === source && (Number.isSafeInteger(value) || !Number.isInteger(value))) return value;
    return /^-?(?:0|[1-9]\d*)$/.test(source) && source !== '-0' ? BigInt(source) : json.rawJSON(source);
  });
}

/**
 * Writes what {@link parseJson} read, every number digit for digit. Also writes any `bigint` as a number. Throws
 * `TypeError` for what JSON cannot hold.
 */
export function stringifyJson(value: unknown, indent?: number): string {
  const text: string | undefined = JSON.stringify(
    value,
    (_key, item: unknown) => (typeof item === 'bigint' ? json.rawJSON(item.toString()) : item),
    indent,
  );
  if (text === undefined) throw new TypeError(`${typeof value} has no JSON form`);
  return text;
}

/** Whether a parsed value is a number that JavaScript cannot print as it was written. */
export function isRawJsonNumber(value: unknown): value is RawJsonNumber {
  return json.isRawJSON(value);
}
