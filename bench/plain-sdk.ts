import { hash, randomUUID } from 'node:crypto';
import { Agent } from 'node:http';

import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { S3 } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';

import {
  BLOB,
  BLOB_SHA256,
  BLOB_URI,
  BUCKET,
  keyOf,
  PAGE,
  PREFIX,
  storedRow,
  TABLE,
} from './canned-answers.ts';

type Item = Record<string, AttributeValue>;

const PINNED = '#version = :version AND #write_id = :write_id';
const NAMES = { '#version': 'version', '#write_id': 'write_id' };

/**
 * The baseline: the AWS SDK by itself, making the same requests with the same options, and doing what no honest caller
 * can leave out: a limit of time for each request, items built from values and read into objects, a condition with what
 * is there asked back, a fresh write id and client token, SHA-256 sent, its answer compared, and verified on reading.
 * It retries nothing, settles nothing, checks no arguments, and learns nothing of the store's clock.
 */
export class PlainSdk {
  readonly #dynamodb: DynamoDB;
  readonly #s3: S3;

  /** `reduced` leaves out the log, for which the SDK copies each request and answer, and its retries. */
  constructor(endpoint: string, { reduced = false }: { readonly reduced?: boolean } = {}) {
    const options = {
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      maxAttempts: 1,
    };
    this.#dynamodb = new DynamoDB({ ...options, requestHandler: handlerWith(5_000) });
    this.#s3 = new S3({
      ...options,
      requestHandler: handlerWith(60_000),
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    if (!reduced) return;
    const place = {
      step: 'finalizeRequest',
      name: 'retryMiddleware',
      priority: 'high',
      override: true,
    } as const;
    for (const client of [this.#dynamodb, this.#s3]) client.middlewareStack.remove('loggerMiddleware');
    this.#dynamodb.middlewareStack.add((next) => next, place);
    this.#s3.middlewareStack.add((next) => next, place);
  }

  async getItem(): Promise<void> {
    const key = keyOf(1);
    const { Item: item } = await this.#dynamodb.getItem({
      TableName: TABLE,
      Key: { shard: { S: '0042' }, key: { S: key } },
      ConsistentRead: true,
    });
    if (item === undefined || readRow(item).key !== key) throw new Error('another row');
  }

  async putItem(): Promise<void> {
    await this.#dynamodb.putItem(this.#put(1));
  }

  async transact(): Promise<void> {
    const TransactItems = [1, 2, 3, 4].map((number) => ({ Put: this.#put(number) }));
    await this.#dynamodb.transactWriteItems({ TransactItems, ClientRequestToken: randomUUID() });
  }

  async query(): Promise<void> {
    const { Items = [] } = await this.#dynamodb.query({
      TableName: TABLE,
      KeyConditionExpression: '#shard = :shard AND begins_with(#key, :prefix)',
      ExpressionAttributeNames: { '#shard': 'shard', '#key': 'key' },
      ExpressionAttributeValues: { ':shard': { S: '0042' }, ':prefix': { S: PREFIX } },
      ConsistentRead: true,
      Limit: PAGE + 1,
    });
    const rows = Items.map(readRow);
    if (rows.length !== PAGE) throw new Error(`${rows.length} rows`);
  }

  async putObject(): Promise<void> {
    const sha256 = hash('sha256', BLOB, 'base64');
    const answer = await this.#s3.putObject({
      Bucket: BUCKET,
      Key: BLOB_URI.slice(1),
      Body: BLOB,
      ContentType: 'application/x-protobuf',
      ChecksumAlgorithm: 'SHA256',
      ChecksumSHA256: sha256,
      Metadata: { sha256, 'created-at': String(Date.now()), message: 'floecat.v1.RootBlob' },
    });
    if (answer.ChecksumSHA256 !== sha256) throw new Error('another checksum');
  }

  async getObject(): Promise<void> {
    const { Body } = await this.#s3.getObject({ Bucket: BUCKET, Key: BLOB_URI.slice(1) });
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
    if (hash('sha256', bytes, 'base64') !== BLOB_SHA256) throw new Error('other bytes');
  }

  close(): void {
    this.#dynamodb.destroy();
    this.#s3.destroy();
  }

  #put(number: number) {
    const { version, write_id: previous, ...row } = storedRow(number);
    const next = { version: { N: '8' }, write_id: { S: randomUUID() }, prev_write_id: previous };
    return {
      TableName: TABLE,
      Item: { ...row, ...next, updated_at: { N: String(Date.now()) } },
      ConditionExpression: PINNED,
      ExpressionAttributeNames: NAMES,
      ExpressionAttributeValues: { ':version': version, ':write_id': previous },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    } as const;
  }
}

function handlerWith(requestTimeout: number): NodeHttpHandler {
  return new NodeHttpHandler({
    connectionTimeout: 2_000,
    requestTimeout,
    throwOnRequestTimeout: true,
    httpAgent: new Agent({ keepAlive: true, maxSockets: 64 }),
  });
}

function readRow(item: Item) {
  return {
    key: item['key']?.S,
    kind: item['kind']?.S,
    blobUri: item['blob_uri']?.S,
    state: item['state']?.S,
    version: Number(item['version']?.N),
    writeId: item['write_id']?.S,
    prevWriteId: item['prev_write_id']?.S,
    incarnation: item['incarnation']?.S,
    updatedAt: Number(item['updated_at']?.N),
    expiresAt: item['expires_at'] && Number(item['expires_at'].N),
  };
}
