import { resolve } from 'node:path';

import { whyNotPath } from './text-types.ts';
import type { Parsed, ValueType } from './value-type.ts';
import { accept, refuse } from './value-type.ts';

/** Locations that start with `prefix` are read from a folder, or from another location. */
export type LocationMapping =
  | {
      readonly prefix: string;
      /** Absolute. */
      readonly folder: string;
    }
  | {
      readonly prefix: string;
      /** In S3, without a `/` at its end. */
      readonly location: string;
    };

/**
 * `prefix=folder, prefix=s3://bucket/place, …`; the first `=` of an entry separates. Folders are resolved against the
 * working directory.
 */
export const locationMap: ValueType<readonly LocationMapping[]> = {
  accepts: 'prefix=folder or prefix=s3://bucket/place entries separated by commas, or nothing',
  parse: parseMap,
  show: (mappings) =>
    mappings.map((each) => `${each.prefix}=${'folder' in each ? each.folder : each.location}`).join(', '),
};

const S3 = /^s3[an]?:\/\//i;

function parseMap(text: string, cwd: string): Parsed<readonly LocationMapping[]> {
  if (text === '') return accept([]);
  const mappings: LocationMapping[] = [];
  const problems: string[] = [];
  const seen = new Map<string, number>();
  for (const [index, entry] of text.split(',').entries()) {
    const number = index + 1;
    const separator = entry.indexOf('=');
    const prefix = entry.slice(0, Math.max(separator, 0)).trim();
    const folder = entry.slice(separator + 1).trim();
    // `s3://b/x` and `s3://b/x/` would be the same folder under two names.
    const same = prefix.replace(/\/+$/, '');
    const earlier = seen.get(same);
    const why = whyNotEntry(entry, prefix, folder);
    if (why !== undefined) problems.push(`entry ${number}: ${why}`);
    else if (earlier !== undefined)
      problems.push(`entry ${number}: prefix ${prefix} is mapped by entry ${earlier}`);
    else seen.set(same, number);
    mappings.push(
      S3.test(folder)
        ? { prefix, location: folder.replace(S3, 's3://').replace(/\/+$/, '') }
        : { prefix, folder: resolve(cwd, folder) },
    );
  }
  return problems.length === 0 ? accept(mappings) : refuse(problems.join('; '));
}

function whyNotEntry(entry: string, prefix: string, folder: string): string | undefined {
  if (entry.trim() === '') return 'nothing between two commas, or after the last one';
  if (!entry.includes('=')) return 'no = between prefix and folder';
  if (prefix === '') return 'the prefix is empty';
  if (S3.test(folder)) return /^.*?:\/\/[^/]/.test(folder) ? undefined : `${folder} names no bucket`;
  if (/^[a-z][a-z\d+.-]+:\/\//i.test(folder))
    return 'the folder is a URL; it must be a path on this machine, or begin with s3://';
  return whyNotPath(folder);
}
