import { Readable } from 'node:stream';

import { NodeHttpHandler } from '@smithy/node-http-handler';

type Handler = Pick<
  NodeHttpHandler,
  'handle' | 'destroy' | 'metadata' | 'updateHttpClientConfig' | 'httpHandlerConfigs'
>;
type Request = Parameters<NodeHttpHandler['handle']>[0];
type Response = Awaited<ReturnType<NodeHttpHandler['handle']>>['response'];

/** What one fault does to the requests that it is for, below the client and its retries. */
export interface Fault {
  /** As the run prints it. */
  readonly name: string;
  /** `PUT /bucket/key`, say: method, path and query. */
  readonly on: (request: string, headers: Readonly<Record<string, string>>) => boolean;
  /** How often; default 1. */
  readonly times?: number;
  /** Instead of sending: answers, or throws. */
  readonly before?: (
    request: Request,
    signal: AbortSignal | undefined,
  ) => Response | undefined | Promise<Response | undefined>;
  /** After the server answered: another answer, or throws. */
  readonly after?: (response: Response, signal: AbortSignal | undefined) => Response | Promise<Response>;
}

/** A request handler that sends every request, counts it, and makes the faults it is given happen. */
export class FaultyHandler implements Handler {
  readonly metadata = { handlerProtocol: 'http/1.1' };
  readonly #inner: NodeHttpHandler;
  readonly #fired = new Map<string, number>();
  readonly #requests: string[] = [];
  /** Sees every request. */
  watch: ((request: string, headers: Readonly<Record<string, string>>) => void) | undefined;
  #faults: { readonly fault: Fault; left: number }[] = [];

  constructor(inner: NodeHttpHandler = new NodeHttpHandler()) {
    this.#inner = inner;
  }

  /** Replaces the faults still to come. Each must fire by the end of the test; see {@link fired}. */
  inject(...faults: readonly Fault[]): void {
    this.#faults = faults.map((fault) => ({ fault, left: fault.times ?? 1 }));
  }

  /** How often the fault of this name happened. */
  fired(name: string): number {
    return this.#fired.get(name) ?? 0;
  }

  /** Every request so far, and starts anew. */
  takeRequests(): readonly string[] {
    return this.#requests.splice(0);
  }

  async handle(
    request: Request,
    options?: Parameters<NodeHttpHandler['handle']>[1],
  ): Promise<{ response: Response }> {
    const line = lineOf(request);
    this.#requests.push(line);
    this.watch?.(line, request.headers);
    const due = this.#faults.find(({ fault, left }) => left > 0 && fault.on(line, request.headers));
    if (!due) return this.#inner.handle(request, options);
    due.left--;
    const { name, before, after } = due.fault;
    this.#fired.set(name, this.fired(name) + 1);
    const signal = options?.abortSignal as AbortSignal | undefined;
    const early = await before?.(request, signal);
    if (early) return { response: early };
    const { response } = await this.#inner.handle(request, options);
    return { response: after ? await after(response, signal) : response };
  }

  destroy(): void {
    this.#inner.destroy();
  }

  updateHttpClientConfig(): void {}

  httpHandlerConfigs(): ReturnType<NodeHttpHandler['httpHandlerConfigs']> {
    return this.#inner.httpHandlerConfigs();
  }
}

function lineOf({ method, path, query }: Request): string {
  const parameters = Object.entries(query ?? {}).map(([key, value]) =>
    value ? `${key}=${String(value)}` : key,
  );
  return `${method} ${path}${parameters.length > 0 ? `?${parameters.join('&')}` : ''}`;
}

/** An answer of a server that made up its own mind. */
export function answer(status: number, body: string, headers: Record<string, string> = {}): Response {
  return {
    statusCode: status,
    headers: { 'content-type': 'application/xml', date: new Date().toUTCString(), ...headers },
    body: Readable.from([Buffer.from(body)]),
  };
}

/** An error as S3 writes it. */
export function s3Error(status: number, code: string, message = code): Response {
  return answer(
    status,
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  );
}

/** The connection ends before an answer came. */
export function socketHangUp(): never {
  throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

/** The body of an answer, changed; its headers stay, as they would behind a bad cable. */
export async function withBody(
  response: Response,
  change: (bytes: Buffer) => Buffer,
  headers: (headers: Record<string, string>) => Record<string, string> = (same) => same,
): Promise<Response> {
  const chunks: Buffer[] = [];
  for await (const chunk of response.body as AsyncIterable<Buffer>) chunks.push(Buffer.from(chunk));
  const body = Readable.from([change(Buffer.concat(chunks))]);
  return Object.assign(response, { headers: headers(response.headers), body });
}

/** The answer with other headers. */
export function withHeaders(
  response: Response,
  change: (headers: Record<string, string>) => Record<string, string>,
): Response {
  return Object.assign(response, { headers: change(response.headers) });
}

/** The headers but these, whose names are in lower case. */
export function without(
  ...names: readonly string[]
): (headers: Record<string, string>) => Record<string, string> {
  return (headers) =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name.toLowerCase())));
}

/** A body that ends early. */
export function cut(bytes: Buffer): Buffer {
  return bytes.subarray(0, 10);
}

/** Nobody listens. */
export function refused(): never {
  return unreachable('ECONNREFUSED', 'connect');
}

/** No answer ever; ends only when the client gives up. */
export function hang(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(Object.assign(new Error('Request aborted'), { name: 'AbortError' }));
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** There is no connection, and why, as node reports it. */
export function unreachable(code: string, syscall: string): never {
  throw Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}

/** Makes the answer to a bulk delete say that one key was not deleted, though it was. */
export function keyFails(code: string, key: string): NonNullable<Fault['after']> {
  return (response) =>
    withBody(
      response,
      (body) => {
        const text = body.toString();
        const entries = text.match(/<Deleted>.*?<\/Deleted>/gs) ?? [];
        const entry = entries.find((each) => each.includes(`<Key>${key}</Key>`));
        if (entry === undefined) throw new Error(`no entry of ${key} in ${text}`);
        const version = /<VersionId>(.*?)<\/VersionId>/.exec(entry)?.[1] ?? '';
        const error = `<Error><Key>${key}</Key><VersionId>${version}</VersionId><Code>${code}</Code><Message>no</Message></Error>`;
        return Buffer.from(text.replace(entry, error));
      },
      without('content-length'),
    );
}

export function flipByte(bytes: Buffer): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 1;
  return flipped;
}
