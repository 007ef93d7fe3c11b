/** One `key=value`, as it stands in a file. */
export interface FileEntry {
  readonly key: string;
  readonly value: string;
  /** Of the line it begins on, from 1. */
  readonly line: number;
  /** It has an escape that means nothing, such as the `\d` of `C:\data`. Java drops that backslash silently. */
  readonly strayEscape: boolean;
}

export interface ParsedProperties {
  readonly entries: readonly FileEntry[];
  /** Lines that are no entry. The text of a line is never repeated, since it may hold a secret. */
  readonly malformed: readonly { readonly line: number; readonly why: string }[];
}

/** The key ends at the first unescaped blank, `=` or `:`; one `=` or `:` with blanks around it separates. */
const ENTRY = /^((?:[^\\=: \t\f]|\\.)*)[ \t\f]*([=:]?)[ \t\f]*(.*)$/s;
const ESCAPE = /\\(u[0-9A-Fa-f]{4}|.)/gs;
const STRAY = /^(?![tnrf])[a-z\d]$/i;
const NAMED: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

/**
 * Reads a Java properties file: `key=value` or `key: value`, `#` and `!` comments, continuation by a backslash at
 * the end of a line, `\uXXXX`. Blanks before the key and around the separator are dropped, those after the value
 * are kept. Stricter than Java in two ways: a line needs its `=` or `:`, and a key.
 */
export function parseProperties(text: string): ParsedProperties {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  const entries: FileEntry[] = [];
  const malformed: { line: number; why: string }[] = [];
  for (let next = 0; next < lines.length;) {
    const line = next + 1;
    let logical = withoutIndent(lines[next++]);
    // A backslash alone goes on with nothing, so the next line begins anew.
    if (/^(?:[#!]|\\?$)/.test(logical)) continue;
    while (endsInBackslash(logical)) logical = logical.slice(0, -1) + withoutIndent(lines[next++]);
    const parsed = parseEntry(logical);
    if (typeof parsed === 'string') malformed.push({ line, why: parsed });
    else entries.push({ ...parsed, line });
  }
  return { entries, malformed };
}

function withoutIndent(line = ''): string {
  return line.replace(/^[ \t\f]+/, '');
}

/** Whether an odd number of backslashes ends it: an even one is escaped backslashes. */
function endsInBackslash(line: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*\\$/.test(line);
}

function parseEntry(logical: string): Omit<FileEntry, 'line'> | string {
  const [, rawKey = '', separator = '', rawValue = ''] = ENTRY.exec(logical) ?? [];
  if (rawKey === '') return 'there is no key before the = or :';
  if (separator === '') return 'there is no = or : between key and value';
  if (/(?:^|[^\\])(?:\\\\)*\\u(?![0-9A-Fa-f]{4})/.test(logical))
    return '\\u must be followed by four hexadecimal digits; write \\\\ for a backslash';
  const strayEscape = [...logical.matchAll(ESCAPE)].some(([, what = '']) => STRAY.test(what));
  return { key: unescape(rawKey), value: unescape(rawValue), strayEscape };
}

function unescape(text: string): string {
  return text.replace(ESCAPE, (_, what: string) =>
    what.length > 1 ? String.fromCharCode(parseInt(what.slice(1), 16)) : (NAMED[what] ?? what),
  );
}
