import { InvalidArgumentError } from '@floecat/storage-spi';

/** `a.b` as levels; a dot that is part of a name is written `\.`. */
export function parseNamespace(text: string): string[] {
  const levels = text.split(/(?<!\\)\./).map((level) => level.replaceAll('\\.', '.'));
  if (levels.includes(''))
    throw new InvalidArgumentError(
      `${JSON.stringify(text)} has an empty part: write <namespace>.<table>, and \\. for a dot in a name`,
    );
  return levels;
}

/** `a.b.table` as namespace and table. */
export function parseTable(text: string): { namespace: string[]; name: string } {
  const parts = parseNamespace(text);
  const name = parts.pop();
  if (name === undefined || parts.length === 0)
    throw new InvalidArgumentError(`${JSON.stringify(text)} names no namespace: write <namespace>.<table>`);
  return { namespace: parts, name };
}

export function parseProperties(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new InvalidArgumentError(`property ${JSON.stringify(pair)}: write key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

export function parseSnapshotId(text: string): bigint {
  if (!/^\d{1,19}$/.test(text))
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not a snapshot id`);
  return BigInt(text);
}
