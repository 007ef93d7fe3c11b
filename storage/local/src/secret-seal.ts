import { Buffer } from 'node:buffer';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/**
 * A sealed secret: format byte, nonce, ciphertext, tag of AES-256-GCM. The format byte and the name are
 * authenticated, so that a file which was moved to another name does not open.
 */
const FORMAT = 1;
const ALGORITHM = 'aes-256-gcm';
export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export function seal(key: Uint8Array, name: string, payload: Uint8Array): Buffer {
  // Never from a seeded source: a nonce that comes twice under one key gives the secrets away.
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(authenticated(FORMAT, name));
  return Buffer.concat([
    Buffer.of(FORMAT),
    nonce,
    cipher.update(payload),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
}

/** The payload; throws a plain `Error` that says why it does not open. */
export function unseal(key: Uint8Array, name: string, sealed: Buffer): Uint8Array {
  const [format = 0] = sealed;
  if (sealed.length < 1 + NONCE_BYTES + TAG_BYTES)
    throw new Error(`the file has only ${sealed.length} bytes`);
  if (format !== FORMAT)
    throw new Error(
      `it has format ${format}, and this version reads ${FORMAT}: upgrade if a newer one wrote it`,
    );
  const body = sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES);
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(1, 1 + NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(authenticated(format, name));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return new Uint8Array(Buffer.concat([decipher.update(body), decipher.final()]));
  } catch (cause) {
    throw new Error('its bytes were changed, it was moved here, or it was sealed under another key', {
      cause,
    });
  }
}

function authenticated(format: number, name: string): Buffer {
  return Buffer.concat([Buffer.of(format), Buffer.from(name, 'utf8')]);
}
