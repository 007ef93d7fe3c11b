import type { ValueType } from './value-type.ts';
import { accept, refuse } from './value-type.ts';

/** `key=value, key=value`; at most `most` of them. Values cannot hold a comma. */
export function keyValues(most: number): ValueType<Readonly<Record<string, string>>> {
  return {
    accepts: `at most ${most} key=value entries separated by commas, or nothing`,
    parse: (text) => {
      const entries = entriesOf(text).map((entry): [string, string] => {
        const separator = entry.indexOf('=');
        return [entry.slice(0, Math.max(0, separator)).trim(), entry.slice(separator + 1).trim()];
      });
      const keys = new Set(entries.map(([key]) => key));
      if (keys.has('') || entries.length > most) return refuse();
      if (keys.size < entries.length) return refuse('a key is given twice');
      return accept(Object.freeze(Object.fromEntries(entries)));
    },
    show: (values) =>
      Object.entries(values)
        .map(([key, value]) => `${key}=${value}`)
        .join(', '),
  };
}

/** Locations of S3 that end a segment: `s3://bucket/prefix/`, or `s3://` for every bucket. */
export const s3Locations: ValueType<readonly string[]> = {
  accepts: 's3:// locations separated by commas, or nothing',
  parse: (text) => {
    const locations: string[] = [];
    for (const [index, entry] of entriesOf(text).entries()) {
      const rest = /^s3[an]?:\/\/(.*)$/i.exec(entry)?.[1];
      if (rest === undefined) return refuse(`entry ${index + 1} does not begin with s3://`);
      if (rest.startsWith('/')) return refuse(`entry ${index + 1} names no bucket`);
      if (/[*?]/.test(rest))
        return refuse(`entry ${index + 1} has a wildcard; a location stands for all below it`);
      locations.push(`s3://${rest === '' || rest.endsWith('/') ? rest : `${rest}/`}`);
    }
    return accept(Object.freeze(locations));
  },
  show: (locations) => locations.join(', '),
};

/** One that is empty, after a comma too much, is kept, to be refused. */
function entriesOf(text: string): string[] {
  return text === '' ? [] : text.split(',').map((entry) => entry.trim());
}
