import { randomUUID } from 'node:crypto';
import assert from 'node:assert/strict';

import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Settings } from '@floecat/config';
import { openStorage, telemetryObserver } from '@floecat/config';
import type { Storage } from '@floecat/storage-spi';

import { startOwnEngine } from '../../../tools/localstack/engine.ts';
import { PythonMissingError } from '../../../tools/localstack/python-environment.ts';
import { ALL_LEFT_OVER, CountingProxy, CUT, jsonFault, xmlFault } from './counting-proxy.ts';
import { define, load } from './support.ts';
import { Measurements } from './telemetry-support.ts';

export const THROTTLED = jsonFault('throttled', 'ProvisionedThroughputExceededException');
const CONFLICTING = jsonFault('contended', 'TransactionCanceledException', {
  CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'None' }],
});
const BROKEN = jsonFault('failed', 'InternalServerError', {}, 500);
const SLOW_DOWN = xmlFault('throttled', 'SlowDown', 503);
const S3_BROKEN = xmlFault('failed', 'InternalError', 500);

/** A store on an emulator, behind a server that counts and fails where it is told to, measured from within. */
export interface MeasuredStore extends AsyncDisposable {
  readonly storage: Storage;
  readonly settings: Settings;
  readonly proxy: CountingProxy;
  readonly measured: Measurements;
  /** Spans of this name that have ended. */
  readonly named: (name: string) => ReadableSpan[];
  readonly spans: () => ReadableSpan[];
  /** Forgets what was counted on either side. */
  readonly forget: () => Promise<void>;
}

/** Opens it; answers why not where there is no emulator. One at a time: OpenTelemetry has one context for a process. */
export async function openMeasuredStore(): Promise<MeasuredStore | { readonly skip: string }> {
  await using opening = new AsyncDisposableStack();
  let proxy: CountingProxy;
  try {
    const engine = opening.use(await startOwnEngine());
    proxy = opening.use(await CountingProxy.start(engine.endpoint));
  } catch (error) {
    if (error instanceof PythonMissingError) return { skip: `no emulator: ${error.message}` };
    throw error;
  }
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  opening.defer(() => context.disable());
  const settings = settingsFor(proxy.endpoint);
  const measured = new Measurements();
  const exporter = new InMemorySpanExporter();
  const tracing = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const observer = await telemetryObserver({ meter: measured.meter, tracer: tracing.getTracer('test') });
  const storage = opening.use(await openStorage(settings, { observer }));
  const cleanup = opening.move();
  return {
    storage,
    settings,
    proxy,
    measured,
    named: (name) => exporter.getFinishedSpans().filter((span) => span.name === name),
    spans: () => exporter.getFinishedSpans(),
    forget: async () => {
      proxy.take();
      await measured.look();
      exporter.reset();
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

function settingsFor(endpoint: string): Settings {
  const quick = ['dynamodb', 's3', 'secretsmanager'].flatMap((service) =>
    ['base-delay', 'throttle-delay', 'max-delay'].map((name) => [`floecat.aws.${service}.${name}`, '1ms']),
  );
  return load({
    args: define({
      'floecat.kv': 'dynamodb',
      'floecat.blob': 's3',
      'floecat.secrets': 'aws',
      'floecat.kv.table': `metrics-${fresh()}`,
      'floecat.kv.auto-create': 'true',
      'floecat.kv.point-in-time-recovery': 'false',
      'floecat.blob.s3.bucket': `metrics-${fresh()}`,
      'floecat.blob.s3.auto-create': 'true',
      'floecat.fileio.override.s3.region': 'us-east-1',
      'floecat.fileio.override.s3.endpoint': endpoint,
      'floecat.fileio.override.s3.access-key-id': 'test',
      'floecat.fileio.override.s3.path-style-access': 'true',
      'floecat.fileio.override.aws.dynamodb.endpoint-override': endpoint,
      'floecat.fileio.override.aws.secretsmanager.endpoint-override': endpoint,
      ...Object.fromEntries(quick),
    }),
    env: { FLOECAT_FILEIO_OVERRIDE_S3_SECRET_ACCESS_KEY: 'test' },
  });
}

/** Keys, URIs and accounts that no other test has. */
export function fresh(): string {
  return randomUUID();
}

export function value(text: string): { readonly kind: 'value'; readonly value: string } {
  return { kind: 'value', value: text };
}

/** Does something of everything, with the faults that are armed for it. */
export async function work({ proxy, storage }: MeasuredStore): Promise<void> {
  const { pointers, blobs, secrets } = storage;
  const prefix = `/accounts/${fresh()}/tables/by-id/`;

  proxy.arm('dynamodb:PutItem', THROTTLED, BROKEN);
  const created = await pointers.compareAndSet(`${prefix}0`, 0, value('first'));
  assert.ok(created.applied);
  assert.ok(!(await pointers.compareAndSet(`${prefix}0`, 0, value('late'))).applied);
  await pointers.compareAndSet(`${prefix}0`, created.pointer, value('second'));
  proxy.arm('dynamodb:GetItem', THROTTLED);
  await pointers.get(`${prefix}0`);
  await pointers.get(`${prefix}absent`);
  proxy.arm('dynamodb:TransactWriteItems', CONFLICTING, CUT);
  await pointers.compareAndSetBatch(
    ['1', '2'].map((id) => ({ op: 'upsert', key: prefix + id, expected: 0, next: value(id) })),
  );
  proxy.arm('dynamodb:BatchGetItem', ALL_LEFT_OVER);
  await pointers.getBatch([`${prefix}0`, `${prefix}1`, `${prefix}absent`]);
  await pointers.listPointersByPrefix(prefix);
  await pointers.countByPrefix(prefix);
  const one = await pointers.get(`${prefix}1`);
  assert.ok(one && (await pointers.compareAndDelete(one.key, one)).applied);
  await pointers.deleteByPrefix(prefix, { unconditional: true });

  const folder = `/${fresh()}/`;
  proxy.arm('s3:PutObject', SLOW_DOWN, CUT);
  const { versionId } = await blobs.put(`${folder}1`, new Uint8Array(1_000));
  await blobs.put(`${folder}2`, new Uint8Array(70_000), { tags: { a: 'b' } });
  proxy.arm('s3:GetObject', S3_BROKEN);
  await blobs.get(`${folder}1`);
  await blobs.getBatch([`${folder}1`, `${folder}2`, `${folder}absent`]);
  await blobs.get(`${folder}1`, { versionId });
  await blobs.head(`${folder}2`);
  proxy.arm('s3:ListBucket', SLOW_DOWN);
  await blobs.list(folder);
  await blobs.listVersions(folder);
  await blobs.deletePrefix(folder);

  const ref = { account: fresh(), type: 'type', id: 'id' };
  await secrets.put(ref, new Uint8Array(100));
  proxy.arm('secretsmanager:GetSecretValue', jsonFault('throttled', 'ThrottlingException'));
  await secrets.get(ref);
  await secrets.delete(ref);
}
