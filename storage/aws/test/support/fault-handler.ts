import { Readable } from 'node:stream';

import { NodeHttpHandler } from '@smithy/node-http-handler';

type Call = Parameters<NodeHttpHandler['handle']>;
type Answer = Awaited<ReturnType<NodeHttpHandler['handle']>>;

/** One thing to go wrong with requests of one operation. */
export interface Fault {
  /** For the report, e.g. `reply lost`. */
  readonly name: string;
  /** The operation of the service, e.g. `PutItem`. */
  readonly on: string;
  /** `before`: the request never arrives. `after`: it is done, and what the client sees of it is the fault. */
  readonly when: 'before' | 'after';
  /** How many requests it hits, one after another. */
  readonly times: number;
  /** How many requests of the operation pass before. Default 0. */
  readonly skips?: number;
  /** What the client sees instead. */
  readonly effect: (call: Call) => Promise<Answer>;
}

/** A request as it went out. */
export interface SentRequest {
  readonly operation: string;
  readonly body: string;
}

/** The SDK's own HTTP handler with faults in between: below every retry, through the real client. */
export class FaultHandler extends NodeHttpHandler {
  /** Every request, those too that a fault kept from arriving. */
  readonly sent: SentRequest[] = [];
  /** How often each fault fired, by its name and operation. */
  readonly fired = new Map<string, number>();
  /** How often something went wrong before a request was sent, after it was done, and by the server itself. */
  readonly phases = { before: 0, after: 0, server: 0 };
  readonly #armed: { readonly fault: Fault; left: number; skips: number }[] = [];
  #rewrite: ((sent: SentRequest) => string) | undefined;

  arm(fault: Fault): void {
    this.#armed.push({ fault, left: fault.times, skips: fault.skips ?? 0 });
    const label = labelOf(fault);
    this.fired.set(label, this.fired.get(label) ?? 0);
  }

  /** Changes the bodies of requests on their way, for what a strange server would read into them. */
  rewrite(change: ((sent: SentRequest) => string) | undefined): void {
    this.#rewrite = change;
  }

  /** Forgets requests and what is armed still. */
  clear(): void {
    this.sent.length = 0;
    this.#armed.length = 0;
    this.#rewrite = undefined;
  }

  /** Requests of one operation since the last {@link clear}. */
  count(operation: string): number {
    return this.sent.filter((sent) => sent.operation === operation).length;
  }

  override async handle(...call: Call): Promise<Answer> {
    const [request] = call;
    const operation = (request.headers['x-amz-target'] ?? '').split('.')[1] ?? '';
    const sent = { operation, body: textOf(request.body) };
    this.sent.push(sent);
    if (this.#rewrite) {
      const body = Buffer.from(this.#rewrite(sent));
      request.body = body;
      request.headers['content-length'] = String(body.length);
    }
    const armed = this.#armed.find(({ fault, left }) => fault.on === operation && left > 0);
    if (!armed || armed.skips-- > 0) return this.#noted(operation, await super.handle(...call));
    armed.left--;
    const { fault } = armed;
    this.#count(labelOf(fault), fault.when);
    if (fault.when === 'after') {
      const { response } = await super.handle(...call);
      for await (const _ of response.body as Readable);
    }
    return fault.effect(call);
  }

  /** The answer, whose error, if it is one, counts as one of the server itself. */
  async #noted(operation: string, { response }: Answer): Promise<Answer> {
    if (response.statusCode < 400) return { response };
    const chunks: Buffer[] = [];
    for await (const chunk of response.body as Readable) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { __type: type = '' } = JSON.parse(body.toString()) as { __type?: string };
    this.#count(`${operation}: ${type.split('#').at(-1)}, by the server itself`, 'server');
    return { response: Object.assign(response, { body: Readable.from([body]) }) };
  }

  #count(label: string, phase: keyof FaultHandler['phases']): void {
    this.fired.set(label, (this.fired.get(label) ?? 0) + 1);
    this.phases[phase]++;
  }
}

function labelOf({ name, on, when }: Fault): string {
  return `${on}: ${name}, ${when === 'before' ? 'before it is sent' : 'after it is done'}`;
}

type Where = Pick<Fault, 'on'> & {
  readonly when?: Fault['when'];
  readonly times?: number;
  readonly skips?: number;
};

function faultOf(name: string, where: Where, effect: Fault['effect']): Fault {
  return { name, when: 'before', times: 1, ...where, effect };
}

/** The connection breaks, as node reports it. */
export function broken(where: Where, code = 'ECONNRESET', syscall = 'read'): Fault {
  return faultOf(code, where, async () => {
    throw Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
  });
}

/** An error answer of the service. */
export function answers(where: Where, type: string, status = 400, fields: object = {}): Fault {
  const body = JSON.stringify({
    __type: `com.amazonaws.dynamodb.v20120810#${type}`,
    message: `a planted ${type}`,
    ...fields,
  });
  return faultOf(`${status} ${type}`, where, async () => answer(status, body));
}

/** An answer of success with another body than the service's. */
export function succeeds(where: Where, name: string, body: string | ((call: Call) => string)): Fault {
  return faultOf(name, where, async (call) => answer(200, typeof body === 'string' ? body : body(call)));
}

/** No answer ever; ends only when the client aborts it. */
export function hangs(where: Where): Fault {
  return faultOf('no answer', where, async ([, options]) => {
    const signal = options?.abortSignal as AbortSignal | undefined;
    return new Promise((_, reject) => {
      const abort = (): void => reject(Object.assign(new Error('Request aborted'), { name: 'AbortError' }));
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort, { once: true });
    });
  });
}

/** As `inner`, after something else has happened meanwhile. */
export function meanwhile(inner: Fault, happens: () => Promise<unknown>): Fault {
  return {
    ...inner,
    effect: async (call) => {
      await happens();
      return inner.effect(call);
    },
  };
}

function answer(statusCode: number, body: string): Answer {
  const headers = { 'content-type': 'application/x-amz-json-1.0', date: new Date().toUTCString() };
  return { response: { statusCode, headers, body: Readable.from([Buffer.from(body)]) } };
}

/** The body of a request, as the service would read it. */
export function bodyOf([{ body }]: Call): Record<string, unknown> {
  return JSON.parse(textOf(body)) as Record<string, unknown>;
}

function textOf(body: unknown): string {
  if (typeof body === 'string') return body;
  const { buffer, byteOffset, byteLength } = body as Uint8Array;
  return Buffer.from(buffer, byteOffset, byteLength).toString();
}
