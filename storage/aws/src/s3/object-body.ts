import type { Readable } from 'node:stream';
import { finished } from 'node:stream';

import { MAX_BLOB_BYTES } from '@floecat/storage-spi';

/** The answer ended before its length. Has a `code`, as errors of the network do. */
export class TruncatedBodyError extends Error {
  readonly code = 'ERR_BODY_TRUNCATED';

  constructor(read: number, length: number) {
    super(`the answer ended after ${read} of ${length} bytes`);
    this.name = 'TruncatedBodyError';
  }
}

/** The answer, whose length was not announced, is longer than was allowed. */
export class OversizedBodyError extends Error {
  readonly code = 'ERR_BODY_OVERSIZED';

  constructor(maxBytes: number) {
    super(`the answer is longer than ${maxBytes} bytes`);
    this.name = 'OversizedBodyError';
  }
}

/**
 * Reads an answer whole, into one buffer; more than `maxBytes` is an error. An abort destroys the stream, and with it
 * the socket.
 */
export async function readBody(
  body: unknown,
  length: number | undefined,
  signal: AbortSignal,
  maxBytes = MAX_BLOB_BYTES,
): Promise<Uint8Array> {
  const stream = body as Readable | undefined;
  if (!stream) return new Uint8Array();
  const abort = (): void => void stream.destroy(signal.reason as Error);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return length === undefined
      ? await readAll(stream, maxBytes)
      : await readExactly(stream, length, maxBytes);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Lets go of an answer whose bytes are not wanted. */
export function discardBody(body: unknown): void {
  const stream = body as Readable | undefined;
  // It may fail as it goes, which no longer matters to anyone.
  stream?.on('error', () => {});
  stream?.destroy();
}

async function readExactly(stream: Readable, length: number, maxBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.min(length, maxBytes + 1));
  let read = 0;
  await consume(stream, (chunk) => {
    if (read + chunk.length > bytes.length) throw new TruncatedBodyError(read + chunk.length, length);
    bytes.set(chunk, read);
    read += chunk.length;
  });
  if (read !== length) throw new TruncatedBodyError(read, length);
  return bytes;
}

async function readAll(stream: Readable, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let read = 0;
  await consume(stream, (chunk) => {
    read += chunk.length;
    if (read > maxBytes) throw new OversizedBodyError(maxBytes);
    chunks.push(chunk);
  });
  return new Uint8Array(Buffer.concat(chunks, read));
}

/** Runs through a stream to its end. Not by a loop over it, which makes several promises for each chunk. */
function consume(stream: Readable, take: (chunk: Uint8Array) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    finished(stream, { writable: false }, (error) => (error ? reject(error) : resolve()));
    stream.on('data', (chunk: Uint8Array) => {
      try {
        take(chunk);
      } catch (error) {
        stream.destroy(error as Error);
      }
    });
  });
}
