import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { RetryBudget } from '@floecat/storage-aws';
import type { BlobStore, StorageErrorCode } from '@floecat/storage-spi';

import { startEndpoint } from '../s3/endpoint.ts';
import type { Fault } from '../s3/faults.ts';
import type { Client, ClientOptions, Opened } from '../s3/s3-fixture.ts';
import { connect, openStore } from '../s3/s3-fixture.ts';
import { faultLedger } from './fault-ledger.ts';
import type { Phase } from './fault-rows.ts';

const endpoint = await startEndpoint();
after(() => ('skip' in endpoint ? undefined : endpoint[Symbol.asyncDispose]()));

/** Why S3 faults cannot be tested here, or `undefined`. */
export const whyNoS3 = 'skip' in endpoint ? endpoint.skip : undefined;
/** How often each fault fired, by its name. */
export const s3FaultsFired = new Map<string, number>();

export interface S3FaultBench extends Opened {
  readonly client: Client;
  /** Makes these happen from now on. */
  readonly inject: (...faults: Fault[]) => void;
  /** Something went wrong that was not injected. */
  readonly happened: (name: string, phase: Phase) => void;
}

/** A test on a store of its own, each of whose faults must have fired when the next are injected, or by its end. */
export function s3FaultTest(
  name: string,
  body: (bench: S3FaultBench) => Promise<void>,
  settings: Parameters<typeof openStore>[1] = {},
  options: ClientOptions = {},
): void {
  if ('skip' in endpoint) return void test(name, { skip: endpoint.skip });
  void test(name, async () => {
    await using client = connect(endpoint.endpoint, { budget: new RetryBudget(), ...options });
    client.handler.watch = (request, headers) => {
      if (/[?&]upload(?:s|Id)\b/.test(request) || headers['x-amz-copy-source'] !== undefined)
        faultLedger.noteStrange(request);
    };
    const opened = await openStore(client, settings);
    // By name, what is to come, and how often one of this name had fired before it was injected.
    const waiting = new Map<string, { readonly phase: Phase; readonly before: number }>();
    const settle = (): void => {
      for (const [fault, { phase, before }] of waiting) {
        const times = client.handler.fired(fault) - before;
        assert.ok(times > 0, `the fault "${fault}" never happened`);
        note(name, fault, phase, times);
      }
      waiting.clear();
    };
    const inject = (...faults: Fault[]): void => {
      settle();
      for (const { name: fault, before } of faults)
        waiting.set(fault, { phase: before ? 'before' : 'after', before: client.handler.fired(fault) });
      client.handler.inject(...faults);
    };
    await body({ ...opened, client, inject, happened: (what, phase) => note(name, what, phase, 1) });
    await opened.store.close();
    settle();
  });
}

function note(title: string, fault: string, phase: Phase, times: number): void {
  s3FaultsFired.set(fault, (s3FaultsFired.get(fault) ?? 0) + times);
  faultLedger.note(title, phase, times);
}

export const onPut: Fault['on'] = (request) => request.startsWith('PUT ') && !request.includes('tagging');
export const onGet: Fault['on'] = (request) =>
  request.startsWith('GET ') && request.includes('x-id=GetObject');
export const onListing: Fault['on'] = (request) =>
  request.includes('list-type=2') || request.includes('versions');
export const onBulkDelete: Fault['on'] = (request) =>
  request.startsWith('POST ') && request.includes('delete');

export const bytes = Buffer.from('the bytes of a blob, some of them');

export function rejects(work: Promise<unknown>, code: StorageErrorCode, message?: RegExp): Promise<void> {
  return assert.rejects(work, (error: { code?: string; message?: string }) => {
    assert.equal(error.code, code, String(error.message));
    if (message) assert.match(String(error.message), message);
    return true;
  });
}

export async function reads(store: BlobStore, uri: string): Promise<void> {
  assert.deepEqual(Buffer.from((await store.get(uri)).bytes), bytes);
}
