import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import type { TestContext } from 'node:test';

import { SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { METRICS, openStorage, SPAN_TAGS, TAGS, telemetryObserver } from '@floecat/config';

import type { Seen } from './counting-proxy.ts';
import { CUT } from './counting-proxy.ts';
import { define, load } from './support.ts';
import type { MeasuredStore } from './telemetry-world.ts';
import { fresh, openMeasuredStore, THROTTLED, value, work } from './telemetry-world.ts';

const opened = await openMeasuredStore();
after(async () => {
  if (!('skip' in opened)) await opened[Symbol.asyncDispose]();
});
const skip = 'skip' in opened ? opened.skip : false;

/** A test that begins with nothing measured. */
function measuredTest(name: string, body: (store: MeasuredStore, t: TestContext) => Promise<void>): void {
  void test(name, { skip }, async (t) => {
    if ('skip' in opened) return;
    await opened.forget();
    await body(opened, t);
  });
}

function sum(seen: readonly Seen[], of: (one: Seen) => number): number {
  return seen.reduce((total, one) => total + of(one), 0);
}

/** Without what the client was never told. */
function told(seen: readonly Seen[]): readonly Seen[] {
  return seen.filter(({ fault }) => fault !== 'cut');
}

suite('metrics equal what a counting server saw', () => {
  measuredTest(
    'attempts, requests, throttles, contention, bytes and capacity, of each action',
    async (store, t) => {
      await work(store);
      const { proxy, measured } = store;
      const seen = proxy.take();
      await measured.look();

      const faults = new Set(seen.map(({ fault }) => fault));
      assert.deepEqual(faults, new Set([undefined, 'throttled', 'contended', 'failed', 'cut']));
      for (const [action, ofAction] of Map.groupBy(seen, (one) => one.action)) {
        const of = { [TAGS.action]: action };
        const failed = ofAction.filter(({ fault }) => fault !== undefined);
        const throttled = failed.filter(({ fault }) => fault === 'throttled').length;
        const contended = failed.filter(({ fault }) => fault === 'contended').length;
        const counted = {
          attempts: measured.sum(METRICS.requestAttempts, of),
          attemptDurations: measured.count(METRICS.attemptDuration, of),
          requests: measured.count(METRICS.requestDuration, of),
          throttles: measured.sum(METRICS.requestThrottles, of),
          throttledAttempts: measured.count(METRICS.attemptDuration, {
            ...of,
            [TAGS.attemptOutcome]: 'throttled',
          }),
          contended: measured.sum(METRICS.requestContentions, of),
          units: measured.sum(METRICS.consumedCapacity, of),
          sent: measured.sum(METRICS.requestIo, { ...of, [TAGS.networkDirection]: 'transmit' }),
          received: measured.sum(METRICS.requestIo, { ...of, [TAGS.networkDirection]: 'receive' }),
        };
        assert.deepEqual(
          counted,
          {
            attempts: ofAction.length,
            attemptDurations: ofAction.length,
            // Every fault led to one more attempt.
            requests: ofAction.length - failed.length,
            throttles: throttled,
            throttledAttempts: throttled,
            contended,
            units: sum(told(ofAction), ({ units }) => units),
            sent: action === 's3:PutObject' ? sum(ofAction, ({ received }) => received) : 0,
            received: /^s3:GetObject(?:Version)?$/.test(action)
              ? sum(ofAction, ({ fault, answered, status }) => (fault || status !== 200 ? 0 : answered))
              : 0,
          },
          action,
        );
      }
      // Nothing was told that the server did not see.
      assert.equal(measured.sum(METRICS.requestAttempts), seen.length);
      assert.equal(measured.count(METRICS.attemptDuration), seen.length);
      const units = sum(told(seen), (one) => one.units);
      assert.equal(measured.sum(METRICS.consumedCapacity), units);
      // What was charged for an answer that was lost is known to the server alone.
      assert.ok(sum(seen, (one) => one.units) > units);
      t.diagnostic(
        `${seen.length} attempts, ${measured.count(METRICS.requestDuration)} requests, ` +
          `${measured.sum(METRICS.requestThrottles)} throttles, ${measured.sum(METRICS.consumedCapacity)} units, ` +
          `${measured.sum(METRICS.requestIo)} bytes of objects: the same on both sides`,
      );

      const read = { [TAGS.capacityType]: 'read' };
      const write = { [TAGS.capacityType]: 'write' };
      assert.ok(measured.sum(METRICS.consumedCapacity, { ...read, [TAGS.action]: 'dynamodb:Query' }) > 0);
      assert.equal(measured.sum(METRICS.consumedCapacity, { ...write, [TAGS.action]: 'dynamodb:Query' }), 0);
      assert.ok(measured.sum(METRICS.consumedCapacity, { ...write, [TAGS.action]: 'dynamodb:PutItem' }) > 0);
      assert.equal(measured.sum(METRICS.consumedCapacity, { ...read, [TAGS.action]: 'dynamodb:PutItem' }), 0);
      // The transaction whose answer was cut off was found applied when it was sent again, which is a read.
      const transactions = { [TAGS.action]: 'dynamodb:TransactWriteItems' };
      assert.ok(measured.sum(METRICS.consumedCapacity, { ...read, ...transactions }) > 0);
      for (const name of [METRICS.requestDuration, METRICS.attemptDuration, METRICS.operationDuration])
        assert.ok(measured.sum(name) > 0, name);
      assert.ok(measured.sum(METRICS.requestDuration) >= measured.sum(METRICS.attemptDuration));
    },
  );

  measuredTest(
    'operations, items and payload; listing and write throughput',
    async ({ storage, proxy, measured, forget }) => {
      const prefix = `/accounts/${fresh()}/tables/by-id/`;
      const put = (id: number): Promise<unknown> =>
        storage.pointers.compareAndSet(`${prefix}${id}`, 0, { kind: 'value', value: '0123456789' });
      await Promise.all(Array.from({ length: 7 }, (_, id) => put(id)));
      await put(0);
      const folder = `/${fresh()}/`;
      await Promise.all(['a', 'b', 'c'].map((id) => storage.blobs.put(folder + id, new Uint8Array(10))));

      await forget();
      await storage.pointers.listPointersByPrefix(prefix);
      await storage.blobs.list(folder);
      await storage.blobs.put(`${folder}d`, new Uint8Array(12_345));
      await assert.rejects(storage.blobs.get(`${folder}absent`), { code: 'STORAGE_NOT_FOUND' });
      await assert.rejects(storage.pointers.get(''), { code: 'INVALID_ARGUMENT' });
      assert.ok(
        !(await storage.pointers.compareAndSet(`${prefix}1`, 0, { kind: 'value', value: '' })).applied,
      );
      const seen = proxy.take();
      await measured.look();

      const listed = (action: string): number =>
        sum(
          seen.filter((one) => one.action === action),
          (one) => one.listed,
        );
      const listing = { [TAGS.store]: 'pointers', [TAGS.operation]: 'listPointersByPrefix' };
      const blobListing = { [TAGS.store]: 'blobs', [TAGS.operation]: 'list' };
      const putting = { [TAGS.store]: 'blobs', [TAGS.operation]: 'put' };
      assert.equal(listed('dynamodb:Query'), 7);
      assert.equal(measured.sum(METRICS.operationItems, listing), listed('dynamodb:Query'));
      assert.equal(listed('s3:ListBucket'), 3);
      assert.equal(measured.sum(METRICS.operationItems, blobListing), listed('s3:ListBucket'));
      const bytes = sum(
        seen.filter((one) => one.action === 's3:PutObject'),
        (one) => one.received,
      );
      assert.equal(bytes, 12_345);
      assert.equal(measured.sum(METRICS.operationIo, { ...putting, [TAGS.ioDirection]: 'write' }), bytes);
      const payload = 7 * (Buffer.byteLength(prefix) + 1 + 10);
      assert.equal(measured.sum(METRICS.operationIo, { ...listing, [TAGS.ioDirection]: 'read' }), payload);

      // One call each, so the histogram holds one speed, and the duration one duration.
      for (const [name, of, amount] of [
        [METRICS.listingThroughput, listing, listed('dynamodb:Query')],
        [METRICS.listingThroughput, blobListing, listed('s3:ListBucket')],
        [METRICS.writeThroughput, putting, bytes],
      ] as const) {
        assert.equal(measured.count(name, of), 1);
        const seconds = measured.sum(METRICS.operationDuration, of);
        assert.ok(Math.abs(measured.sum(name, of) * seconds - amount) < 1e-6 * amount, name);
      }
      assert.equal(measured.count(METRICS.listingThroughput), 2);
      assert.equal(measured.count(METRICS.writeThroughput), 1);

      const outcomes = (outcome: string): number =>
        measured.count(METRICS.operationDuration, { [TAGS.outcome]: outcome });
      assert.deepEqual(
        ['ok', 'conflict', 'STORAGE_NOT_FOUND', 'INVALID_ARGUMENT'].map(outcomes),
        [3, 1, 1, 1],
      );
      const failed = { [TAGS.errorType]: 'STORAGE_NOT_FOUND' };
      assert.equal(measured.count(METRICS.operationDuration, failed), 1);
      assert.equal(measured.count(METRICS.operationDuration), 6);
    },
  );

  measuredTest(
    'names have the units that are documented, and no attribute has a key, a URI or a name',
    async (store) => {
      await work(store);
      const { measured } = store;
      await measured.look();
      const s = 's';
      const items = '{item}';
      const attempts = '{attempt}';
      assert.deepEqual(measured.units(), {
        [METRICS.operationDuration]: s,
        [METRICS.operationItems]: items,
        [METRICS.operationIo]: 'By',
        [METRICS.listingThroughput]: '{item}/s',
        [METRICS.writeThroughput]: 'By/s',
        [METRICS.requestDuration]: s,
        [METRICS.requestAttempts]: attempts,
        [METRICS.requestThrottles]: attempts,
        [METRICS.requestContentions]: attempts,
        [METRICS.requestIo]: 'By',
        [METRICS.consumedCapacity]: '{capacity_unit}',
        [METRICS.attemptDuration]: s,
      });
      for (const one of measured.values()) assert.match(one, /^[A-Za-z_0-9:-]+(?: secrets?)?$/);
    },
  );
});

measuredTest('capacity is asked for where somebody wants to know, and only there', async (store) => {
  const { proxy, settings } = store;
  const dynamo = (): readonly Seen[] => proxy.take().filter(({ action }) => action.startsWith('dynamodb:'));
  await work(store);
  assert.ok(dynamo().every(({ asksCapacity }) => asksCapacity));
  await using unobserved = await openStorage(settings);
  proxy.take();
  await unobserved.pointers.compareAndSet(`/${fresh()}`, 0, value('x'));
  await unobserved.pointers.listPointersByPrefix(`/accounts/${fresh()}/tables/by-id/`);
  const seen = dynamo();
  assert.ok(seen.length >= 2 && seen.every(({ asksCapacity }) => !asksCapacity));
});

suite('spans', () => {
  measuredTest(
    'an operation has its requests below it, and adds up what they cost',
    async ({ storage, proxy, named }) => {
      const key = `/accounts/${fresh()}/tables/by-id/1`;
      proxy.arm('dynamodb:PutItem', THROTTLED, CUT);
      await storage.pointers.compareAndSet(key, 0, { kind: 'value', value: 'x' });
      const seen = proxy.take();
      const [operation, ...others] = named('pointers compareAndSet');
      assert.ok(operation && others.length === 0);
      const [request] = named('dynamodb:PutItem');
      assert.ok(request);
      assert.equal(request.parentSpanContext?.spanId, operation.spanContext().spanId);
      assert.equal(request.spanContext().traceId, operation.spanContext().traceId);
      const cost = {
        [SPAN_TAGS.attempts]: seen.length,
        [SPAN_TAGS.throttles]: 1,
        [SPAN_TAGS.contentions]: 0,
        [SPAN_TAGS.bytesSent]: 0,
        [SPAN_TAGS.bytesReceived]: 0,
        [SPAN_TAGS.readUnits]: 0,
        [SPAN_TAGS.writeUnits]: 0,
      };
      assert.deepEqual(request.attributes, {
        [TAGS.store]: 'pointers',
        [TAGS.operation]: 'compareAndSet',
        [TAGS.action]: 'dynamodb:PutItem',
        [TAGS.outcome]: 'ok',
        ...cost,
      });
      assert.deepEqual(operation.attributes, {
        [TAGS.store]: 'pointers',
        [TAGS.operation]: 'compareAndSet',
        [TAGS.outcome]: 'applied',
        [SPAN_TAGS.items]: 1,
        [SPAN_TAGS.bytesRead]: 0,
        [SPAN_TAGS.bytesWritten]: Buffer.byteLength(key) + 1,
        [SPAN_TAGS.requests]: 1,
        ...cost,
      });
      assert.deepEqual(
        request.events.map(({ attributes }) => [
          attributes?.[SPAN_TAGS.attemptNumber],
          attributes?.[TAGS.attemptOutcome],
        ]),
        [
          [1, 'throttled'],
          [2, 'ambiguous'],
        ],
      );
    },
  );

  measuredTest(
    'requests side by side, and of operations side by side, are each below their own',
    async ({ storage, forget, named }) => {
      const folder = `/${fresh()}/`;
      const uris = ['a', 'b', 'c'].map((id) => folder + id);
      for (const uri of uris) await storage.blobs.put(uri, new Uint8Array(11));
      await forget();
      await Promise.all([storage.blobs.getBatch(uris), storage.blobs.get(`${folder}a`)]);
      const [batch] = named('blobs getBatch');
      const [single] = named('blobs get');
      assert.ok(batch && single);
      const below = (parent: ReadableSpan): number =>
        named('s3:GetObject').filter(
          ({ parentSpanContext }) => parentSpanContext?.spanId === parent.spanContext().spanId,
        ).length;
      assert.deepEqual([below(batch), below(single)], [3, 1]);
      assert.equal(batch.attributes[SPAN_TAGS.requests], 3);
      assert.equal(batch.attributes[SPAN_TAGS.bytesReceived], 33);
      assert.equal(single.attributes[SPAN_TAGS.bytesReceived], 11);
    },
  );

  measuredTest(
    'a failure has the code of its error as its type, and nothing that names the key',
    async ({ storage, named, spans }) => {
      const uri = `/${fresh()}`;
      await assert.rejects(storage.blobs.get(uri), { code: 'STORAGE_NOT_FOUND' });
      const [span] = named('blobs get');
      assert.equal(span?.attributes[TAGS.errorType], 'STORAGE_NOT_FOUND');
      assert.equal(span?.status.code, SpanStatusCode.ERROR);
      for (const each of spans()) {
        const { name, attributes, events, status } = each;
        assert.doesNotMatch(JSON.stringify({ name, attributes, events, status }), new RegExp(uri));
      }
    },
  );
});

test('without an SDK nothing is measured, and nothing fails', async () => {
  const observer = await telemetryObserver();
  await using plain = await openStorage(
    load({ args: define({ 'floecat.kv': 'memory', 'floecat.blob': 'memory' }) }),
    { observer },
  );
  assert.equal(await plain.pointers.get('/a'), undefined);
});
