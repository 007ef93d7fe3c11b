export interface DamagedToken {
  readonly damage: string;
  readonly text: string;
}

/** Everything near `token` that is not it: each byte and each character changed, each shorter length, noise. */
export function* damagedTokens(token: string): Generator<DamagedToken> {
  const bytes = Buffer.from(token, 'base64url');
  for (let i = 0; i < bytes.length; i++)
    for (const mask of [0x01, 0x80, 0xff]) {
      const flipped = Buffer.from(bytes);
      flipped[i] = (flipped[i] ?? 0) ^ mask;
      yield { damage: `byte ${i} changed by ${mask}`, text: flipped.toString('base64url') };
    }
  for (let i = 0; i < token.length; i++) {
    const other = token[i] === 'A' ? 'B' : 'A';
    yield { damage: `character ${i} changed`, text: token.slice(0, i) + other + token.slice(i + 1) };
    yield { damage: `cut at ${i}`, text: token.slice(0, i) };
  }
  for (let i = 0; i < bytes.length; i++)
    yield { damage: `bytes cut at ${i}`, text: bytes.subarray(0, i).toString('base64url') };
  for (const [damage, text] of Object.entries({
    'padding added': token + '=',
    'a character added': token + 'A',
    'a line break added': token + '\n',
    'a blank in front': ' ' + token,
    'a NUL added': token + '\0',
    doubled: token + token,
    'plain base64': bytes.toString('base64') + '==',
    'not base64': '!'.repeat(token.length),
    'a key': '/accounts/a',
    'a lone surrogate': '\ud800',
    '1 MB long': 'A'.repeat(1024 * 1024),
    'itself, 1 MB long': token.repeat(Math.ceil((1024 * 1024) / token.length)),
  }))
    yield { damage, text };
}
