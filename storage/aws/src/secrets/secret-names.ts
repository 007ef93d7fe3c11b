import { createHash } from 'node:crypto';

import type { SecretRef } from '@floecat/storage-spi';
import { InvalidArgumentError, secretName } from '@floecat/storage-spi';

/** Of a whole name, in Secrets Manager. */
export const MAX_SECRET_NAME = 512;
const MAX_TAG_VALUE = 256;
/** What the names of all secrets begin with. */
export const SECRETS_ROOT = 'accounts/';
/** What a name may hold and does not have to be escaped. `=` begins an escape, so it is one of those that are. */
const UNSAFE = /[^A-Za-z0-9_+.@-]/gu;
/** Of a name that ends in `-` and six characters; Secrets Manager takes such an end for one of its own. */
const AMBIGUOUS_TAIL = 7;
/** The shortest that can follow the account in a name: `/t/i`. */
const SHORTEST_REST = 4;
/** In a tag as it is. Blanks and `=` are not: the one may be trimmed, the other begins an escape. */
const TAG_SAFE = /^[A-Za-z0-9_.:/+@-]+$/;

/** `accounts/{account}/{type}/{id}`, each part escaped. Refuses what Secrets Manager has no room for. */
export function nameOf(operation: string, ref: SecretRef): string {
  const parts = [escapeAccount(ref.account), escapePart(ref.type), escapePart(ref.id)];
  let name = SECRETS_ROOT + parts.join('/');
  const tail = name.length - AMBIGUOUS_TAIL;
  if (name[tail] === '-') name = `${name.slice(0, tail)}=2D${name.slice(tail + 1)}`;
  if (name.length > MAX_SECRET_NAME)
    throw new InvalidArgumentError(
      `${operation} ${JSON.stringify(secretName(ref))}: the name takes ${name.length} characters in Secrets Manager, ` +
        `whose limit is ${MAX_SECRET_NAME}; shorten the id`,
      { operation, key: secretName(ref) },
    );
  return name;
}

/** What the names of an account's secrets begin with, and those of no other account. */
export function prefixOfAccount(account: string): string {
  return `${SECRETS_ROOT}${escapeAccount(account)}/`;
}

/** The inverse of {@link nameOf}; `undefined` for a name that it does not give. */
export function refOf(name: string): SecretRef | undefined {
  if (!name.startsWith(SECRETS_ROOT)) return undefined;
  const parts = name.slice(SECRETS_ROOT.length).split('/').map(unescapePart);
  const [account, type, id] = parts;
  if (parts.length !== 3 || !account || !type || !id) return undefined;
  const ref = { account, type, id };
  return nameOf('list secrets', ref) === name ? ref : undefined;
}

/** The account as the value of a tag, which has fewer characters and less room. No two accounts have the same. */
export function accountTag(account: string): string {
  if (TAG_SAFE.test(account)) return account;
  const escaped = escapePart(account);
  // An escape is `=` and two digits of 0-9A-F, so no account is escaped to this.
  return escaped.length <= MAX_TAG_VALUE
    ? escaped
    : `=sha256=${createHash('sha256').update(account).digest('hex')}`;
}

// So that the names of one account begin alike, whatever follows, the tail is kept unambiguous here already.
function escapeAccount(account: string): string {
  const escaped = escapePart(account);
  const from = Math.max(0, escaped.length - (AMBIGUOUS_TAIL - SHORTEST_REST));
  return escaped.slice(0, from) + escaped.slice(from).replaceAll('-', '=2D');
}

function escapePart(part: string): string {
  return part.replace(UNSAFE, (character) =>
    [...Buffer.from(character, 'utf8')]
      .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}

function unescapePart(part: string): string | undefined {
  try {
    // `%` is in no name, so what is decoded here are the escapes and nothing else.
    return part.includes('%') ? undefined : decodeURIComponent(part.replaceAll('=', '%'));
  } catch {
    return undefined;
  }
}
