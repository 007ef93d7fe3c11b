import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { DynamoInput, Units } from './dynamo-json.ts';
import { NO_UNITS, StubError } from './dynamo-json.ts';
import { DynamoStub } from './dynamo-stub.ts';
import { RequestMeter } from './request-meter.ts';
import { element, escapeXml, S3StubError } from './s3-http.ts';
import type { S3Answer, S3Request } from './s3-http.ts';
import { S3Stub } from './s3-stub.ts';

/**
 * DynamoDB and S3 as far as this project uses them, over HTTP, with all state in memory: it answers as AWS does and
 * counts what it is asked and what that costs. It checks no signature and knows no limits of throughput. That it tells
 * the truth is shown by the contract suites, which run on it, and beside DynamoDB Local.
 */
export class AwsStub implements AsyncDisposable {
  readonly meter = new RequestMeter();
  readonly #dynamo = new DynamoStub();
  readonly #s3 = new S3Stub();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    // Longer than a client keeps a connection that it does not use: it must not meet one that is being closed.
    this.#server.keepAliveTimeout = 300_000;
    this.#server.on('connection', (socket) => this.meter.opened(socket));
  }

  /** On a free port of this machine. */
  static async start(): Promise<AwsStub> {
    const stub = new AwsStub();
    stub.#server.listen(0, '127.0.0.1');
    await once(stub.#server, 'listening');
    // It must not keep a process alive whose work is done.
    stub.#server.unref();
    return stub;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    // A request that is broken off is none.
    request.once('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(request, 'end');
    const target = request.headers['x-amz-target'];
    const body = Buffer.concat(chunks);
    const {
      status,
      headers,
      body: answer,
    } = typeof target === 'string'
      ? this.#askDynamo(target.split('.')[1] ?? '', body)
      : this.#askS3(s3RequestOf(request, body));
    response.writeHead(status, { 'content-length': Buffer.byteLength(answer ?? ''), ...headers });
    response.end(answer);
  }

  #askDynamo(operation: string, sent: Buffer): S3Answer {
    const headers = { 'content-type': 'application/x-amz-json-1.0' };
    try {
      const input = JSON.parse(sent.toString('utf8')) as DynamoInput;
      const { units, body: answer } = this.#dynamo.run(operation, input);
      this.meter.request(operation, units);
      return {
        status: 200,
        headers,
        body: JSON.stringify({ ...answer, ...consumed(operation, input, units) }),
      };
    } catch (error) {
      if (!(error instanceof StubError)) throw error;
      this.meter.request(operation, error.units);
      const { type, message, fields } = error;
      const body = JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message, ...fields });
      return { status: 400, headers, body };
    }
  }

  #askS3(request: S3Request): S3Answer {
    this.meter.request(this.#s3.operationOf(request), NO_UNITS);
    try {
      return this.#s3.run(request);
    } catch (error) {
      if (!(error instanceof S3StubError)) throw error;
      const { status, code, message, fields, headers } = error;
      const told = Object.entries({ Code: code, Message: message, ...fields });
      const body = element('Error', told.map(([name, text]) => element(name, escapeXml(text))).join(''));
      // An answer to HEAD never has a body.
      if (request.method === 'HEAD') return { status, headers };
      return { status, headers: { 'content-type': 'application/xml', ...headers }, body };
    }
  }
}

function consumed(operation: string, input: DynamoInput, { read, write }: Units): object {
  if (input['ReturnConsumedCapacity'] !== 'TOTAL') return {};
  const ConsumedCapacity = { CapacityUnits: read + write };
  const many = operation.startsWith('Batch') || operation.startsWith('Transact');
  return { ConsumedCapacity: many ? [ConsumedCapacity] : ConsumedCapacity };
}

function s3RequestOf(request: IncomingMessage, body: Buffer): S3Request {
  const { method = 'GET', url = '/', headers } = request;
  const [path = '', query] = url.split('?', 2);
  const [, bucket = '', ...rest] = path.split('/');
  const key = decodeURIComponent(rest.join('/'));
  return { method, bucket, key, query: new URLSearchParams(query), headers, body };
}
