import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  AwsClients,
  DynamoPointerStore,
  dynamoParts,
  S3_WIRE,
  S3BlobStore,
  Shards,
  Wire,
} from '@floecat/storage-aws';
import type { BatchOperation, BlobStore, Pointer, PointerStore, PointerWrite } from '@floecat/storage-spi';
import { guardBlobStore, guardPointerStore, systemClock, systemRandom } from '@floecat/storage-spi';

import { BLOB, BLOB_URI, BUCKET, keyOf, PAGE, PREFIX, TABLE } from './canned-answers.ts';
import { compare, cpuTime } from './measure.ts';
import { PlainSdk } from './plain-sdk.ts';
import { print, reportCost } from './report.ts';

const IN_FLIGHT = 8;
const ROUNDS = 21;
const MOST = 1.1;

/**
 * CPU that one operation takes in our process, user and system, beside the plain AWS SDK making the same requests.
 * All answers come from a server in another process that has them ready.
 */
export async function benchAwsClientCpu(): Promise<boolean> {
  const server = fork(join(import.meta.dirname, 'canned-server.ts'));
  const [port] = (await once(server, 'message')) as [number];
  const endpoint = `http://127.0.0.1:${port}`;
  const plain = new PlainSdk(endpoint);
  await using ours = await openOurs(endpoint);
  const { pointers, blobs } = ours;
  try {
    const pointer = await read(pointers);
    const rows = [1, 2, 3, 4].map((number): Pointer => ({ ...pointer, key: keyOf(number) }));
    const next: PointerWrite = { kind: 'blob', blobUri: BLOB_URI, state: 'LIVE' };
    const batch = rows.map((row): BatchOperation => ({ op: 'upsert', key: row.key, expected: row, next }));
    const lines: readonly [
      what: string,
      count: number,
      theirs: () => Promise<void>,
      ours: () => Promise<unknown>,
    ][] = [
      ['get of a pointer (GetItem)', 400, () => plain.getItem(), () => pointers.get(pointer.key)],
      [
        'compare-and-set (PutItem on a condition)',
        400,
        () => plain.putItem(),
        () => pointers.compareAndSet(pointer.key, pointer, next),
      ],
      [
        'batch of 4 (TransactWriteItems)',
        200,
        () => plain.transact(),
        () => pointers.compareAndSetBatch(batch),
      ],
      [
        'page of 1,000 pointers (Query)',
        16,
        () => plain.query(),
        async () => {
          const page = await pointers.listPointersByPrefix(PREFIX);
          if (page.pointers.length !== PAGE) throw new Error(`${page.pointers.length} pointers`);
        },
      ],
      [
        'put of a blob of 16 KB (PutObject)',
        200,
        () => plain.putObject(),
        () => blobs.put(BLOB_URI, BLOB, { message: 'floecat.v1.RootBlob' }),
      ],
      ['get of a blob of 16 KB (GetObject)', 200, () => plain.getObject(), () => blobs.get(BLOB_URI)],
    ];
    print('CPU of this process for one operation on AWS, against canned answers:');
    // Until both sides run as compiled code.
    for (const [, count, theirs, own] of lines)
      for (const side of [theirs, own]) await inFlight(4 * count, side);
    let met = true;
    for (const [what, count, theirs, own] of lines) {
      const result = await compare(
        () => inFlight(count, theirs),
        () => inFlight(count, own),
        ROUNDS,
        cpuTime,
      );
      met = reportCost({ what, baseline: 'AWS SDK', result, most: MOST }) && met;
    }
    return met;
  } finally {
    plain.close();
    server.disconnect();
  }
}

interface Ours extends AsyncDisposable {
  readonly pointers: PointerStore;
  readonly blobs: BlobStore;
}

/** The stores as production has them, on a table and a bucket that need not be asked about. */
async function openOurs(endpoint: string): Promise<Ours> {
  const clients = new AwsClients({
    region: 'us-east-1',
    endpoints: { dynamodb: endpoint, s3: endpoint },
    accessKeyId: 'local',
    secretAccessKey: 'local',
    pathStyleAccess: true,
  });
  const { table, random, close } = dynamoParts({ aws: clients, tableName: TABLE });
  const wire = new Wire({ clock: systemClock, random: systemRandom, settings: S3_WIRE });
  const identity = { format: 1, storeId: 'bench', tableId: 'bench', epoch: 1 };
  const s3 = { s3: clients.s3, wire, clock: systemClock, settings: { bucket: BUCKET }, identity };
  const pointers = guardPointerStore(
    new DynamoPointerStore({ table, storeId: 'bench', shards: new Shards(64), random, close }),
  );
  const blobs = guardBlobStore(new S3BlobStore(s3));
  return {
    pointers,
    blobs,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([pointers.close(), blobs.close()]);
      await clients.close();
    },
  };
}

async function read(pointers: PointerStore): Promise<Pointer> {
  const pointer = await pointers.get(keyOf(1));
  if (!pointer) throw new Error('no pointer');
  return pointer;
}

/** Runs `operation` that many times, a few at once. */
async function inFlight(count: number, operation: () => Promise<unknown>): Promise<number> {
  let left = count;
  const one = async (): Promise<void> => {
    while (left-- > 0) await operation();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, one));
  return count;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = (await benchAwsClientCpu()) ? 0 : 1;
