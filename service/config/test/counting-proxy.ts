import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import { Agent, createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One attempt of a request, as the server saw it. */
export interface Seen {
  /** As IAM calls it. */
  readonly action: string;
  readonly fault: Fault['kind'] | undefined;
  readonly status: number;
  /** Bytes of bodies. */
  readonly received: number;
  readonly answered: number;
  readonly asksCapacity: boolean;
  /** What DynamoDB said that it cost. */
  readonly units: number;
  /** Rows or entries that the answer to a listing has. */
  readonly listed: number;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What the next request of an action ends in. */
export interface Fault {
  readonly kind: 'throttled' | 'contended' | 'failed' | 'cut';
  /** Absent for `cut`: the request is done, and then the connection ends without an answer. */
  readonly answer?: (body: Buffer) => Pick<Answer, 'status' | 'body'>;
}

/** Stands before a server of AWS's protocols and writes down what passes, and makes faults where it is told to. */
export class CountingProxy implements AsyncDisposable {
  readonly #upstream: URL;
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #faults = new Map<string, Fault[]>();
  readonly #seen: Seen[] = [];

  private constructor(upstream: string) {
    this.#upstream = new URL(upstream);
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(upstream: string): Promise<CountingProxy> {
    const proxy = new CountingProxy(upstream);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next requests of `action` end in these, one each. */
  arm(action: string, ...faults: Fault[]): void {
    this.#faults.set(action, [...(this.#faults.get(action) ?? []), ...faults]);
  }

  /** What was seen since it was asked before. */
  take(): readonly Seen[] {
    return this.#seen.splice(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const action = actionOf(request);
    const fault = this.#faults.get(action)?.shift();
    const told = fault?.answer?.(body);
    const answer = told ? { ...told, headers: {} } : await this.#forward(request, body);
    this.#seen.push({
      action,
      fault: fault?.kind,
      status: answer.status,
      asksCapacity: body.includes('"ReturnConsumedCapacity"'),
      received: body.length,
      answered: answer.body.length,
      units: unitsOf(action, answer),
      listed: listedOf(action, answer),
    });
    if (fault && !told) return void request.socket.destroy();
    // An answer to HEAD tells the length of what it does not have.
    const length = request.method === 'HEAD' ? {} : { 'content-length': answer.body.length };
    response.writeHead(answer.status, { ...answer.headers, ...length });
    response.end(answer.body);
  }

  async #forward(request: IncomingMessage, body: Buffer): Promise<Answer> {
    const { expect: _, ...headers } = request.headers;
    const { hostname, port } = this.#upstream;
    const sent = httpRequest({
      hostname,
      port,
      agent: this.#agent,
      path: request.url,
      method: request.method,
      headers,
    });
    sent.end(body);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    const { 'transfer-encoding': __, connection: ___, ...own } = answer.headers;
    return { status: answer.statusCode ?? 0, headers: own, body: await bodyOf(answer) };
  }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function actionOf({ method, url = '', headers }: IncomingMessage): string {
  const target = headers['x-amz-target'];
  if (typeof target === 'string') {
    const [service = '', operation = ''] = target.split('.');
    return `${service.startsWith('DynamoDB') ? 'dynamodb' : service}:${operation}`;
  }
  const { pathname, searchParams } = new URL(url, 'http://server');
  const ofVersion = searchParams.has('versionId') ? 'Version' : '';
  if (method === 'POST') return 's3:DeleteObjectVersion';
  if (method === 'DELETE') return `s3:DeleteObject${ofVersion}`;
  if (method === 'PUT') return 's3:PutObject';
  if (searchParams.has('versions')) return 's3:ListBucketVersions';
  if (searchParams.has('list-type')) return 's3:ListBucket';
  if (pathname.split('/').length < 3) return 's3:bucket';
  return `s3:GetObject${ofVersion}${searchParams.has('tagging') ? 'Tagging' : ''}`;
}

function unitsOf(action: string, { body }: Answer): number {
  if (!action.startsWith('dynamodb:') || body.length === 0) return 0;
  const told = (JSON.parse(body.toString('utf8')) as { ConsumedCapacity?: unknown }).ConsumedCapacity;
  const each = [told ?? []].flat() as { CapacityUnits?: number }[];
  return each.reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
}

function listedOf(action: string, { body }: Answer): number {
  const text = body.toString('utf8');
  if (action === 'dynamodb:Query') return (JSON.parse(text) as { Items?: unknown[] }).Items?.length ?? 0;
  return action === 's3:ListBucket' ? text.split('<Contents>').length - 1 : 0;
}

/** How DynamoDB and Secrets Manager refuse. */
export function jsonFault(kind: Fault['kind'], type: string, fields: object = {}, status = 400): Fault {
  const body = Buffer.from(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, ...fields }));
  return { kind, answer: () => ({ status, body }) };
}

/** How S3 refuses. */
export function xmlFault(kind: Fault['kind'], code: string, status: number): Fault {
  const body = Buffer.from(`<Error><Code>${code}</Code><Message>told to</Message></Error>`);
  return { kind, answer: () => ({ status, body }) };
}

/** A BatchGetItem that is answered, and gives nothing of what was asked for. */
export const ALL_LEFT_OVER: Fault = {
  kind: 'throttled',
  answer: (body) => {
    const { RequestItems } = JSON.parse(body.toString('utf8')) as { RequestItems: object };
    return {
      status: 200,
      body: Buffer.from(JSON.stringify({ Responses: {}, UnprocessedKeys: RequestItems })),
    };
  },
};

/** The request is done, and its answer is lost. */
export const CUT: Fault = { kind: 'cut' };
