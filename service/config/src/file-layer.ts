import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import type { ConfigProblem } from './errors.ts';
import type { Given, Layer } from './layer.ts';
import { unknownName } from './layer.ts';
import type { Origin } from './origin.ts';
import { parseProperties } from './properties-file.ts';
import type { PropertyNames } from './property-names.ts';
import { environmentVariable, isOurKey } from './property-names.ts';
import { path } from './text-types.ts';

/** The property that names the properties file. */
export const CONFIG_FILE_PROPERTY = 'floecat.config';
/** Read from the working directory where {@link CONFIG_FILE_PROPERTY} is not set; it may be missing. */
export const DEFAULT_CONFIG_FILE = 'application.properties';

export interface FileLayer extends Layer {
  /** The file that was read. */
  readonly file: string | undefined;
}

interface FileToRead {
  readonly file: string;
  /** Who named it; nobody named the default one, which may be missing. */
  readonly namedBy?: Origin;
}

/** The file that `-D` or the environment names, else the default one. */
export function fileToRead(above: readonly Given[], cwd: string): FileToRead | undefined {
  const named = above.findLast((one) => one.property.name === CONFIG_FILE_PROPERTY);
  if (!named) return { file: resolve(cwd, DEFAULT_CONFIG_FILE) };
  const parsed = path.parse(named.text.trim(), cwd);
  // One that is no path is reported when the values are checked.
  return parsed.ok ? { file: parsed.value, namedBy: named.origin } : undefined;
}

/** What the file holds. Keys that are not ours are left alone; a line that cannot be read may be ours. */
export function readFileLayer(names: PropertyNames, toRead: FileToRead | undefined): FileLayer {
  if (!toRead) return { given: [], problems: [], file: undefined };
  const { file, namedBy } = toRead;
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !namedBy) return { given: [], problems: [], file: undefined };
    const problem: ConfigProblem = {
      name: CONFIG_FILE_PROPERTY,
      value: file,
      origin: namedBy ?? { kind: 'default' },
      message: code === 'ENOENT' ? 'this file does not exist' : `this file cannot be read: ${message}`,
      cause: error,
    };
    return { given: [], problems: [problem], file: undefined };
  }
  return { ...readEntries(names, file, bytes.toString('utf8')), file };
}

function readEntries(names: PropertyNames, file: string, text: string): Layer {
  const given: Given[] = [];
  const problems: ConfigProblem[] = [];
  const lineOf = new Map<string, number>();
  const at = (line: number): Origin => ({ kind: 'file', file, line });
  const { entries, malformed } = parseProperties(text);
  for (const { line, why } of malformed) problems.push({ origin: at(line), message: why });
  for (const { key, value, line, strayEscape } of entries) {
    if (!isOurKey(key)) continue;
    const origin = at(line);
    const property = names.byName(key);
    const earlier = lineOf.get(key);
    const refuse = (message: string): unknown => problems.push({ name: key, origin, message });
    if (!property) problems.push(unknownName(names, key, origin));
    else if (earlier !== undefined) refuse(`set twice in this file; line ${earlier} has it too`);
    else if (property.notInFile)
      refuse(`cannot be set in a file; use ${environmentVariable(key)} or -D ${key}=…`);
    else if (strayEscape)
      refuse('a backslash before a letter means nothing; write \\\\ for a backslash, or / in a path');
    else if (value.includes('\uFFFD')) refuse('the file is not in UTF-8 here; save it as UTF-8');
    else given.push({ property, text: value, origin });
    if (earlier === undefined) lineOf.set(key, line);
  }
  return { given, problems };
}
