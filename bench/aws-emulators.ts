import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import { openDynamoPointers } from '@floecat/storage-aws';
import type { BlobStore, Pointer, PointerStore, PointerWrite } from '@floecat/storage-spi';

import { openStubStorage } from '../storage/aws/test/support/aws-stub/open-stub-storage.ts';
import { startDynamoDbLocal, whyNoDynamoDbLocal } from '../storage/aws/test/support/dynamodb-local.ts';
import { localSettings } from '../storage/aws/test/support/local-clients.ts';
import type { Endpoint } from '../storage/aws/test/s3/endpoint.ts';
import { startEndpoint } from '../storage/aws/test/s3/endpoint.ts';
import { BLOB, BLOB_URI, PAGE } from './canned-answers.ts';
import { print } from './report.ts';

const IN_FLIGHT = 16;
const FOR_MS = 3_000;

/**
 * Operations a second on the emulators, 16 at once, for three seconds each. It says how fast the emulators are, and
 * nothing of AWS: there is no target.
 */
export async function benchAwsEmulators(): Promise<void> {
  print(`Operations a second on emulators of AWS, ${IN_FLIGHT} at once (for information):`);
  const missing = whyNoDynamoDbLocal();
  if (missing === undefined) await onDynamoDbLocal();
  else print(`DynamoDB Local: not measured, ${missing}`);
  const engine = await startEndpoint();
  if ('skip' in engine) print(`Python engine: not measured, ${engine.skip}`);
  else await onEngine(engine);
}

async function onEngine(engine: Endpoint): Promise<void> {
  const storage = await openStubStorage(engine.endpoint);
  try {
    await benchPointers('Python engine', storage.pointers);
    await benchBlobs('Python engine', storage.blobs);
  } finally {
    await storage.close();
    await engine[Symbol.asyncDispose]();
  }
}

async function onDynamoDbLocal(): Promise<void> {
  const { endpoint, stop } = await startDynamoDbLocal();
  try {
    const { pointers, system } = await openDynamoPointers({
      aws: localSettings(endpoint),
      tableName: 'floecat_bench',
      autoCreate: true,
      table: { pointInTimeRecovery: false },
    });
    try {
      await benchPointers('DynamoDB Local', pointers);
    } finally {
      await Promise.all([pointers.close(), system.close()]);
    }
  } finally {
    await stop();
  }
}

async function benchPointers(where: string, pointers: PointerStore): Promise<void> {
  const prefix = `/accounts/${randomUUID()}/tables/by-id/`;
  const next: PointerWrite = { kind: 'blob', blobUri: BLOB_URI, state: 'LIVE' };
  const create = async (): Promise<Pointer> => {
    const result = await pointers.compareAndSet(prefix + randomUUID(), 0, next);
    if (!result.applied) throw new Error('a key is taken');
    return result.pointer;
  };
  const rows: Pointer[] = [];
  for (let i = 0; i < PAGE; i += IN_FLIGHT)
    rows.push(...(await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, PAGE - i) }, create))));
  await rate(where, 'pointer get', (i) => pointers.get(rows[i % PAGE]?.key ?? ''));
  await rate(where, 'listing a page of 1,000 pointers', () => pointers.listPointersByPrefix(prefix));
  await rate(where, 'pointer create', create);
  await rate(where, 'batch of 4 creates', () =>
    pointers.compareAndSetBatch(
      Array.from({ length: 4 }, () => ({ op: 'upsert', key: prefix + randomUUID(), expected: 0, next })),
    ),
  );
}

async function benchBlobs(where: string, blobs: BlobStore): Promise<void> {
  const put = (): Promise<unknown> => blobs.put(BLOB_URI, BLOB);
  await put();
  await rate(where, 'blob get of 16 KB', () => blobs.get(BLOB_URI));
  await rate(where, 'blob put of 16 KB', put);
}

/** Prints how often `operation` ended in a second. */
async function rate(
  where: string,
  what: string,
  operation: (number: number) => Promise<unknown>,
): Promise<void> {
  const began = performance.now();
  let started = 0;
  const one = async (): Promise<void> => {
    while (performance.now() - began < FOR_MS) await operation(started++);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, one));
  const seconds = (performance.now() - began) / 1000;
  print(`${where}, ${what}: ${Number((started / seconds).toPrecision(3)).toLocaleString('en-US')}/s`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await benchAwsEmulators();
