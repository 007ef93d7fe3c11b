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
import type { Comparison } from './measure.ts';
import { compare, cpuTime } from './measure.ts';
import { PlainSdk } from './plain-sdk.ts';
import { print, reportCost } from './report.ts';

const IN_FLIGHT = 8;
const ROUNDS = 21;
const ROUNDS_FOR_INFORMATION = 11;
const MOST = 1.1;

interface Line {
  readonly what: string;
  /** Operations of one round. */
  readonly count: number;
  readonly plain: (sdk: PlainSdk) => Promise<void>;
  readonly own: () => Promise<unknown>;
}

/**
 * CPU that one operation takes in our process, user and system, beside the plain AWS SDK making the same requests.
 * All answers come from a server in another process that has them ready. Below each line, for information: beside the
 * SDK without the two parts of it that the store's clients leave out.
 */
export async function benchAwsClientCpu(): Promise<boolean> {
  const server = fork(join(import.meta.dirname, 'canned-server.ts'));
  const [port] = (await once(server, 'message')) as [number];
  const endpoint = `http://127.0.0.1:${port}`;
  const plain = new PlainSdk(endpoint);
  const reduced = new PlainSdk(endpoint, { reduced: true });
  await using ours = await openOurs(endpoint);
  try {
    const lines = await linesOf(ours);
    print('CPU of this process for one operation on AWS, against canned answers:');
    // Until all sides run as compiled code.
    for (const line of lines)
      for (const side of [() => line.plain(plain), () => line.plain(reduced), line.own])
        await inFlight(4 * line.count, side);
    let met = true;
    for (const line of lines) {
      const { what } = line;
      const result = await beside(plain, line, ROUNDS);
      met = reportCost({ what, baseline: 'AWS SDK', result, most: MOST }) && met;
      const baseline = 'AWS SDK without its log and retries';
      reportCost({
        what: '  the same',
        baseline,
        result: await beside(reduced, line, ROUNDS_FOR_INFORMATION),
      });
    }
    return met;
  } finally {
    plain.close();
    reduced.close();
    server.disconnect();
  }
}

function beside(sdk: PlainSdk, { count, plain, own }: Line, rounds: number): Promise<Comparison> {
  return compare(
    () => inFlight(count, () => plain(sdk)),
    () => inFlight(count, own),
    rounds,
    cpuTime,
  );
}

async function linesOf({ pointers, blobs }: Ours): Promise<readonly Line[]> {
  const pointer = await pointers.get(keyOf(1));
  if (!pointer) throw new Error('no pointer');
  const rows = [1, 2, 3, 4].map((number): Pointer => ({ ...pointer, key: keyOf(number) }));
  const next: PointerWrite = { kind: 'blob', blobUri: BLOB_URI, state: 'LIVE' };
  const batch = rows.map((row): BatchOperation => ({ op: 'upsert', key: row.key, expected: row, next }));
  return [
    {
      what: 'get of a pointer (GetItem)',
      count: 400,
      plain: (sdk) => sdk.getItem(),
      own: () => pointers.get(pointer.key),
    },
    {
      what: 'compare-and-set (PutItem on a condition)',
      count: 400,
      plain: (sdk) => sdk.putItem(),
      own: () => pointers.compareAndSet(pointer.key, pointer, next),
    },
    {
      what: 'batch of 4 (TransactWriteItems)',
      count: 200,
      plain: (sdk) => sdk.transact(),
      own: () => pointers.compareAndSetBatch(batch),
    },
    {
      what: 'page of 1,000 pointers (Query)',
      count: 16,
      plain: (sdk) => sdk.query(),
      own: async () => {
        const page = await pointers.listPointersByPrefix(PREFIX);
        if (page.pointers.length !== PAGE) throw new Error(`${page.pointers.length} pointers`);
      },
    },
    {
      what: 'put of a blob of 16 KB (PutObject)',
      count: 200,
      plain: (sdk) => sdk.putObject(),
      own: () => blobs.put(BLOB_URI, BLOB, { message: 'floecat.v1.RootBlob' }),
    },
    {
      what: 'get of a blob of 16 KB (GetObject)',
      count: 200,
      plain: (sdk) => sdk.getObject(),
      own: () => blobs.get(BLOB_URI),
    },
  ];
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
