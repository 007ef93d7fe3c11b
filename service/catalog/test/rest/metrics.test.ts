import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import type { Tracer } from '@opentelemetry/api';
import { metrics, trace } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import {
  buildCatalogServer,
  CatalogService,
  LocalFolderReader,
  openServiceTelemetry,
  UpstreamLocations,
} from '@floecat/catalog';
import { openRepositories, repositoryContext } from '@floecat/repository';
import { openMemoryStorage } from '@floecat/storage-memory';
import type { StorageObserver } from '@floecat/storage-spi';
import { observeStorage } from '@floecat/storage-spi';
import type { FastifyInstance } from 'fastify';

const ON = { metrics: { enabled: true } };
const OFF = { metrics: { enabled: false } };

/** A catalog in memory that serves what its stores did. */
async function serverOf({
  observer,
  page,
}: Awaited<ReturnType<typeof openServiceTelemetry>>): Promise<FastifyInstance> {
  const memory = openMemoryStorage();
  const storage = observer ? observeStorage(memory, observer) : memory;
  const service = new CatalogService({
    repositories: openRepositories(repositoryContext(storage, 'default')),
    defaultCatalog: 'default',
    upstream: new LocalFolderReader(new UpstreamLocations([])),
  });
  await service.prepare();
  return buildCatalogServer(service, {}, page);
}

class Reader extends MetricReader {
  protected async onShutdown(): Promise<void> {}

  protected async onForceFlush(): Promise<void> {}
}

async function read(observer: StorageObserver): Promise<void> {
  const { pointers } = observeStorage(openMemoryStorage(), observer);
  await pointers.get('/a');
}

suite('GET /metrics', () => {
  test('answers what the stores did, in the format of Prometheus', async () => {
    const app = await serverOf(await openServiceTelemetry(ON));
    const counted = async (): Promise<number> => {
      const { statusCode, headers, body } = await app.inject('/metrics');
      assert.equal(statusCode, 200);
      assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
      const line = body
        .split('\n')
        .find((one) => /^floecat_storage_operation_duration_count\{.*"listPointersByPrefix"/.test(one));
      assert.ok(line, body);
      return Number(line.split(' ').at(-1));
    };
    await app.inject('/v1/default/namespaces');
    const before = await counted();
    await app.inject('/v1/default/namespaces');
    const after = await counted();
    assert.ok(after > before, `${before}, then ${after}`);
    await app.close();
  });

  test('is not there where metrics are off, and nothing is observed then', async () => {
    const telemetry = await openServiceTelemetry(OFF);
    assert.deepEqual(telemetry, {});
    const app = await serverOf(telemetry);
    assert.equal((await app.inject('/metrics')).statusCode, 404);
    await app.close();
  });

  test('is not there where an SDK was registered before, which gets the metrics', async (t) => {
    const reader = new Reader();
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
    t.after(() => metrics.disable());
    for (const settings of [ON, OFF]) {
      const { observer, page } = await openServiceTelemetry(settings);
      assert.equal(page, undefined);
      assert.ok(observer);
      await read(observer);
    }
    const { resourceMetrics } = await reader.collect();
    const [scope] = resourceMetrics.scopeMetrics;
    assert.ok(
      scope?.metrics.some(({ descriptor }) => descriptor.name === 'floecat.storage.operation.duration'),
    );
  });

  test('leaves spans to a tracer that was registered before, metrics or not', async (t) => {
    const started: string[] = [];
    const span = trace.getTracer('none').startSpan('none');
    const tracer = {
      startSpan: (name) => {
        started.push(name);
        return span;
      },
    } as Tracer;
    trace.setGlobalTracerProvider({ getTracer: () => tracer });
    t.after(() => trace.disable());
    for (const settings of [ON, OFF]) {
      const { observer } = await openServiceTelemetry(settings);
      assert.ok(observer);
      await read(observer);
    }
    assert.deepEqual(started, ['pointers get', 'pointers get']);
  });
});
