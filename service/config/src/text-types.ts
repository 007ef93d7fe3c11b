import { isIP } from 'node:net';
import { resolve } from 'node:path';

import { Secret } from './secret.ts';
import type { ValueType } from './value-type.ts';
import { accept, refuse } from './value-type.ts';

const CONTROL = /\p{Cc}/u;

export const boolean: ValueType<boolean> = {
  accepts: 'true or false',
  parse: (text) => (text === 'true' || text === 'false' ? accept(text === 'true') : refuse()),
};

/** One of `values`, in their case. `refused` says why a value that is known elsewhere is not taken here. */
export function oneOf<const T extends string>(
  values: readonly T[],
  refused: Readonly<Record<string, string>> = {},
): ValueType<T> {
  const accepts = values.join(', ').replace(/, (?=[^,]*$)/, ' or ');
  return {
    accepts,
    parse: (text) => {
      const value = values.find((one) => one === text);
      if (value !== undefined) return accept(value);
      return refuse(Object.hasOwn(refused, text) ? `${refused[text]}; expected ${accepts}` : undefined);
    },
  };
}

/** A name of 1 to `maxBytes` UTF-8 bytes without control characters. */
export function name(maxBytes: number): ValueType<string> {
  return {
    accepts: `a name of 1 to ${maxBytes} bytes without control characters`,
    parse: (text) => {
      const sound = text !== '' && text.isWellFormed() && !CONTROL.test(text);
      return sound && Buffer.byteLength(text) <= maxBytes ? accept(text) : refuse();
    },
  };
}

const HOST_LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;

export const host: ValueType<string> = {
  accepts: 'an IP address or a host name, without scheme, port and brackets',
  parse: (text) => {
    const named = text.length <= 253 && text.split('.').every((label) => HOST_LABEL.test(label));
    // All digits and dots is an address that is out of range, not a name.
    return isIP(text) !== 0 || (named && !/^[\d.]+$/.test(text)) ? accept(text) : refuse();
  },
};

/** A path, resolved against the working directory. */
export const path: ValueType<string> = {
  accepts: 'a path, absolute or relative to the working directory',
  parse: (text, cwd) => {
    const why = whyNotPath(text);
    return why === undefined ? accept(resolve(cwd, text)) : refuse(why);
  },
  show: (value) => value,
};

/** What is wrong with `text` as a path, if anything. */
export function whyNotPath(text: string): string | undefined {
  if (text === '') return `the path is empty; expected ${path.accepts}`;
  if (text === '~' || /^~[^/\\]*[/\\]/.test(text)) return '~ is not expanded here; write the whole path';
  if (text.includes('\0')) return 'a path cannot hold a NUL character';
  return undefined;
}

/** Any text of 1 to `maxBytes` UTF-8 bytes without control characters; also the empty one with `empty`. */
export function shortText(
  maxBytes: number,
  { empty = false }: { readonly empty?: boolean } = {},
): ValueType<string> {
  const bounded = name(maxBytes);
  return {
    accepts: `${bounded.accepts.replace('a name', 'a text')}${empty ? ', or nothing' : ''}`,
    parse: (given, cwd) => (empty && given === '' ? accept('') : bounded.parse(given, cwd)),
  };
}

/** A URL of http or https, without credentials in it. */
export const url: ValueType<string> = {
  accepts: 'a URL that begins with http:// or https://',
  parse: (given) => {
    const parsed = URL.parse(given);
    if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:') return refuse();
    if (parsed.username !== '' || parsed.password !== '') return refuse('a URL must not hold credentials');
    return accept(given);
  },
};

/** The name of a secret within its account. */
export interface SecretId {
  readonly type: string;
  readonly id: string;
}

export const secretId: ValueType<SecretId> = {
  accepts: 'the id of a secret, as type/id',
  parse: (given) => {
    const [, type, id] = /^([^/]+)\/(.+)$/s.exec(given) ?? [];
    return type === undefined || id === undefined || CONTROL.test(given) ? refuse() : accept({ type, id });
  },
  show: ({ type, id }) => `${type}/${id}`,
};

/** A secret: any text but the empty one, taken as it is. */
export const secret: ValueType<Secret> = {
  accepts: 'a secret that is not empty',
  secret: true,
  parse: (text) => (text === '' ? refuse() : accept(new Secret(text))),
};
