import { createHash, timingSafeEqual } from 'node:crypto';

import { InvalidArgumentError } from './errors.ts';
import { MAX_PAGE_TOKEN_CHARS } from './limits.ts';

const VERSION = 1;
const STORE_ID = 1;
const PREFIX_HASH = STORE_ID + 16;
const POSITION = PREFIX_HASH + 32;
const CHECKSUM_BYTES = 8;

/** What a listing walks: a token of one family is refused by the others. */
export type TokenFamily = 'pointers' | 'system' | 'blobs' | 'blob-versions' | 'secrets' | 'scan-bundle';

/** Those whose positions are what is listed, which begins with the prefix. */
const BELOW_PREFIX: ReadonlySet<TokenFamily> = new Set(['pointers', 'system', 'blobs', 'blob-versions']);

/**
 * Page tokens of one store: version byte, store id, SHA-256 of the prefix, last position, checksum, as base64url.
 * They hold a position and no state, so they survive a restart and a reshard; they authorise nothing.
 */
export class PageTokens {
  readonly #storeId: Buffer;

  /** `storeId` is the UUID of the store. */
  constructor(storeId: string) {
    this.#storeId = Buffer.from(storeId.replaceAll('-', ''), 'hex');
  }

  encode(family: TokenFamily, prefix: string, position: string): string {
    const body = Buffer.concat([
      Buffer.of(VERSION),
      this.#storeId,
      sha256(prefix),
      Buffer.from(position, 'utf8'),
    ]);
    return Buffer.concat([body, checksum(family, body)]).toString('base64url');
  }

  /** The position in `token`. Throws `InvalidArgumentError` if it is damaged, or of another listing or store. */
  decode(family: TokenFamily, prefix: string, token: string): string {
    if (token.length > MAX_PAGE_TOKEN_CHARS)
      throw refused(
        prefix,
        `is ${token.length} characters long; no token is longer than ${MAX_PAGE_TOKEN_CHARS}`,
      );
    const bytes = Buffer.from(token, 'base64url');
    const bodyLength = bytes.length - CHECKSUM_BYTES;
    // The comparison with its own encoding refuses what a lenient decoder skips over.
    if (bodyLength < POSITION || bytes.toString('base64url') !== token) throw refused(prefix, 'is damaged');
    const body = bytes.subarray(0, bodyLength);
    if (body[0] !== VERSION)
      throw refused(prefix, `has format ${body[0]}; this version reads format ${VERSION}`);
    if (!timingSafeEqual(checksum(family, body), bytes.subarray(bodyLength)))
      throw refused(prefix, 'is damaged, or belongs to another kind of listing');
    if (!body.subarray(STORE_ID, PREFIX_HASH).equals(this.#storeId))
      throw refused(prefix, 'belongs to another store');
    if (!body.subarray(PREFIX_HASH, POSITION).equals(sha256(prefix)))
      throw refused(prefix, 'belongs to a listing of another prefix');
    const position = body.subarray(POSITION).toString('utf8');
    // The checksum is no signature: a token that somebody made up could lead a store out of the listing.
    if (BELOW_PREFIX.has(family) && !position.startsWith(prefix)) throw refused(prefix, 'is damaged');
    return position;
  }
}

function refused(prefix: string, why: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `page token ${why}: pass on the token of the previous page unchanged, or none`,
    { operation: 'list', key: prefix },
  );
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}

function checksum(family: TokenFamily, body: Buffer): Buffer {
  return createHash('sha256').update(family).update(body).digest().subarray(0, CHECKSUM_BYTES);
}
