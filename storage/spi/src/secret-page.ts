import { joinKey, prefixOf, splitKey } from './keys.ts';
import { DEFAULT_PAGE_SIZE } from './limits.ts';
import type { PageTokens } from './page-token.ts';
import type { SecretPage, SecretRef } from './secrets-manager.ts';
import { compareUtf8 } from './utf8.ts';

/** UTF-8 order of type, then id. */
export function compareSecrets(a: SecretRef, b: SecretRef): number {
  return compareUtf8(a.type, b.type) || compareUtf8(a.id, b.id);
}

/**
 * A page out of all secrets of `account`, in whatever order they come, for backends whose own order is another one.
 * Their names as keys would not do: there, `/` stands between type and id, and sorts after `!`.
 */
export function pageOfSecrets(
  tokens: PageTokens,
  account: string,
  refs: readonly SecretRef[],
  options: { readonly limit?: number; readonly pageToken?: string },
): SecretPage {
  const { limit = DEFAULT_PAGE_SIZE, pageToken } = options;
  const prefix = prefixOf(account);
  let rest = refs.toSorted(compareSecrets);
  if (pageToken !== undefined) {
    const [type = '', id = ''] = splitKey(tokens.decode('secrets', prefix, pageToken));
    rest = rest.filter((ref) => compareSecrets(ref, { account, type, id }) > 0);
  }
  const secrets = rest.slice(0, limit);
  const last = secrets.at(-1);
  if (rest.length <= limit || !last) return { secrets };
  return { secrets, nextPageToken: tokens.encode('secrets', prefix, joinKey(last.type, last.id)) };
}
