import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, suite, test } from 'node:test';
import type { TestContext } from 'node:test';

import type { PointerStore, StorageErrorCode } from '@floecat/storage-spi';
import { StorageError } from '@floecat/storage-spi';

import { faultLedger } from '../faults/fault-ledger.ts';
import type { Phase } from '../faults/fault-rows.ts';
import type { DynamoDbLocal } from './dynamodb-local.ts';
import { startDynamoDbLocal, whyNoDynamoDbLocal } from './dynamodb-local.ts';
import { FaultBench } from './fault-bench.ts';
import type { Fault, FaultHandler } from './fault-handler.ts';

export const FOREVER = { times: 1_000 };

/** What the tests of a suite work with. */
export interface FaultContext {
  readonly endpoint: string;
  readonly bench: FaultBench;
  readonly faults: FaultHandler;
  /** The store whose requests go wrong. */
  readonly store: PointerStore;
  /** The same table through a client that works. */
  readonly other: PointerStore;
  arm(...faults: readonly Fault[]): void;
  /** Requests of one operation since the test began, or since `faults.clear`. */
  requests(operation: string): number;
  /** Lets the server take every attempt for a request of its own. */
  forgetTokens(): void;
}

/** One server for all the suites of a process: each has a table of its own. */
let server: Promise<DynamoDbLocal> | undefined;
after(async () => (await server)?.stop());

/**
 * A suite on a table of its own in DynamoDB Local. It ends by printing how often each fault fired, and fails if one that
 * was planted never did.
 */
export function faultSuite(title: string, body: (at: FaultContext) => void): void {
  suite(`${title}, through the real client`, { skip: whyNoDynamoDbLocal() ?? false }, () => {
    let local: DynamoDbLocal | undefined;
    let bench: FaultBench | undefined;
    let store: PointerStore | undefined;
    let other: PointerStore | undefined;
    const at: FaultContext = {
      get endpoint() {
        return made(local).endpoint;
      },
      get bench() {
        return made(bench);
      },
      get faults() {
        return made(bench).faults;
      },
      get store() {
        return made(store);
      },
      get other() {
        return made(other);
      },
      arm: (...faults) => {
        for (const fault of faults) made(bench).faults.arm(fault);
      },
      requests: (operation) => made(bench).faults.count(operation),
      forgetTokens: () => {
        let sent = 1_000;
        made(bench).faults.rewrite(({ body: sentBody }) =>
          sentBody.replace(/("ClientRequestToken":")(.{4})/, (_, name: string) => `${name}${sent++}`),
        );
      },
    };
    before(async () => {
      local = await (server ??= startDynamoDbLocal());
      bench = new FaultBench(local.endpoint);
      store = (await bench.open()).pointers;
      other = await bench.openOther();
    });
    const seen = { before: 0, after: 0, server: 0 };
    beforeEach(() => {
      at.faults.clear();
      Object.assign(seen, at.faults.phases);
    });
    afterEach((t) => {
      for (const phase of Object.keys(seen) as Phase[])
        faultLedger.note((t as TestContext).name, phase, at.faults.phases[phase] - seen[phase]);
    });
    after(() => bench?.[Symbol.asyncDispose]());
    body(at);
    test('every fault that was planted has fired', (t) => {
      const fired = [...at.faults.fired].toSorted(([a], [b]) => (a < b ? -1 : 1));
      for (const [label, count] of fired) t.diagnostic(`${label}: ${count}`);
      assert.ok(fired.length > 0);
      assert.deepEqual(
        fired.filter(([, count]) => count === 0),
        [],
      );
    });
  });
}

function made<T>(thing: T | undefined): T {
  assert.ok(thing !== undefined, 'the suite has not begun');
  return thing;
}

/** `call` fails with `code` and a message that says all of `mentions`. */
export async function fails(
  call: Promise<unknown>,
  code: StorageErrorCode,
  ...mentions: readonly string[]
): Promise<void> {
  const error = await call.then(
    (answer: unknown) => assert.fail(`answered ${JSON.stringify(answer)} instead of ${code}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof StorageError, String(error));
  assert.equal(error.code, code, error.message);
  for (const mention of mentions)
    assert.ok(error.message.includes(mention), `${error.message} lacks ${mention}`);
}
