import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { TokenFamily } from '@floecat/storage-spi';
import { InvalidArgumentError, MAX_KEY_BYTES, MAX_PAGE_TOKEN_CHARS, PageTokens } from '@floecat/storage-spi';
import * as fc from 'fast-check';

const STORE = '01234567-89ab-4cde-8f01-23456789abcd';
const OTHER = '01234567-89ab-4cde-8f01-23456789abce';
const FAMILIES: readonly TokenFamily[] = ['pointers', 'blobs', 'blob-versions', 'secrets', 'scan-bundle'];
const tokens = new PageTokens(STORE);
const wellFormed = fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed());

function refuses(decode: () => unknown, why: string): void {
  assert.throws(decode, (error: unknown) => {
    assert.ok(error instanceof InvalidArgumentError);
    assert.ok(error.message.includes(why), error.message);
    assert.equal(error.operation, 'list');
    return true;
  });
}

void test('a token gives back its position, to every instance of the same store', () => {
  fc.assert(
    fc.property(fc.constantFrom(...FAMILIES), wellFormed, wellFormed, (family, prefix, rest) => {
      const position = prefix + rest;
      const token = tokens.encode(family, prefix, position);
      assert.match(token, /^[A-Za-z0-9_-]+$/);
      assert.equal(new PageTokens(STORE).decode(family, prefix, token), position);
    }),
  );
});

void test('a token of another store, prefix or family is refused', () => {
  fc.assert(
    fc.property(wellFormed, wellFormed, wellFormed, (prefix, other, position) => {
      const token = tokens.encode('pointers', prefix, position);
      refuses(() => new PageTokens(OTHER).decode('pointers', prefix, token), 'another store');
      if (other !== prefix) refuses(() => tokens.decode('pointers', other, token), 'another prefix');
      for (const family of FAMILIES.slice(1))
        refuses(() => tokens.decode(family, prefix, token), 'another kind of listing');
    }),
  );
});

void test('a token with any one bit changed is refused', () => {
  const bytes = Buffer.from(tokens.encode('pointers', '/a/', '/a/b'), 'base64url');
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = Buffer.from(bytes);
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    refuses(
      () => tokens.decode('pointers', '/a/', damaged.toString('base64url')),
      bit < 8 ? 'format' : 'damaged',
    );
  }
});

void test('anything that is no token is refused, whatever its length', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      refuses(() => tokens.decode('pointers', '', text), '');
    }),
  );
  refuses(() => tokens.decode('pointers', '', ''), 'damaged');
  refuses(() => tokens.decode('pointers', '', 'A'.repeat(MAX_PAGE_TOKEN_CHARS)), 'format 0');
  refuses(
    () => tokens.decode('pointers', '', 'A'.repeat(MAX_PAGE_TOKEN_CHARS + 1)),
    String(MAX_PAGE_TOKEN_CHARS + 1),
  );
});

void test('the longest positions, a key and a version id, fit into a token', () => {
  const position = `${'\u{10ffff}'.repeat(MAX_KEY_BYTES / 4)}\0${'v'.repeat(1024)}`;
  const token = tokens.encode('blob-versions', '', position);
  assert.ok(token.length <= MAX_PAGE_TOKEN_CHARS, `${token.length} characters`);
  assert.equal(tokens.decode('blob-versions', '', token), position);
});

void test('a token that somebody made up leads nowhere outside the listing', () => {
  for (const family of ['pointers', 'system', 'blobs', 'blob-versions'] as const)
    refuses(() => tokens.decode(family, '/a/', tokens.encode(family, '/a/', '/b')), 'damaged');
  // What these list has no prefix.
  for (const family of ['secrets', 'scan-bundle'] as const)
    assert.equal(tokens.decode(family, 'account', tokens.encode(family, 'account', 'main')), 'main');
});
