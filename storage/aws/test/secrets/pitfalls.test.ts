import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';

import {
  AccountClients,
  AccountRole,
  accountTag,
  openProdSecretsManager,
  sessionName,
} from '@floecat/storage-aws';
import type { AccountCredentials, AccountRoleSettings, StsService } from '@floecat/storage-aws';
import type { SecretRef, SecretsManager, StorageErrorCode } from '@floecat/storage-spi';
import { systemClock, systemRandom } from '@floecat/storage-spi';
import { FakeClock } from '@floecat/storage-testkit';

import { nameOf, prefixOfAccount, refOf } from '../../src/secrets/secret-names.ts';
import { startEndpoint } from '../s3/endpoint.ts';
import { answer, socketHangUp } from '../s3/faults.ts';
import type { Fault } from '../s3/faults.ts';
import type { SecretsClient } from './secrets-fixture.ts';
import { connectSecrets } from './secrets-fixture.ts';

const endpoint = await startEndpoint();
const fired = new Map<string, number>();

interface Bench {
  readonly store: SecretsManager;
  readonly client: SecretsClient;
  readonly ref: SecretRef;
  readonly inject: (...faults: Fault[]) => void;
  /** The operations sent since the last time, e.g. `CreateSecret`. */
  readonly sent: () => readonly string[];
}

function secretsTest(name: string, body: (bench: Bench) => Promise<void>): void {
  if ('skip' in endpoint) return void test(name, { skip: endpoint.skip });
  void test(name, async () => {
    await using client = connectSecrets(endpoint.endpoint);
    const { wire, service, handler } = client;
    const access = { service };
    await using store = openProdSecretsManager({ storeId: randomUUID(), random: systemRandom, wire, access });
    const injected: Fault[] = [];
    const targets: string[] = [];
    const watch: Fault = {
      name: 'watch',
      on: (_request, headers) => {
        targets.push((headers['x-amz-target'] ?? '').split('.').at(-1) ?? '');
        return false;
      },
    };
    handler.inject(watch);
    const inject = (...faults: Fault[]): void => {
      injected.push(...faults);
      handler.inject(watch, ...faults);
    };
    const ref = { account: randomUUID(), type: 'upstream', id: 'main' };
    await body({ store, client, ref, inject, sent: () => targets.splice(0) });
    for (const fault of injected) {
      assert.ok(handler.fired(fault.name) > 0, `the fault "${fault.name}" never happened`);
      fired.set(fault.name, handler.fired(fault.name));
    }
  });
}

after(() => ('skip' in endpoint ? undefined : endpoint[Symbol.asyncDispose]()));

const to =
  (operation: string): Fault['on'] =>
  (_request, headers) =>
    headers['x-amz-target']?.endsWith(`.${operation}`) === true;

const smError = (status: number, type: string) => (): ReturnType<typeof answer> =>
  answer(status, JSON.stringify({ __type: type, message: type }), {
    'content-type': 'application/x-amz-json-1.1',
  });

function rejects(work: Promise<unknown>, code: StorageErrorCode, message?: RegExp): Promise<void> {
  return assert.rejects(work, (error: { code?: string; message?: string }) => {
    assert.equal(error.code, code, String(error.message));
    if (message) assert.match(String(error.message), message);
    assert.ok(!String(error.message).includes('hunter2'), 'no value in a message');
    return true;
  });
}

const payload = Buffer.from('hunter2');

secretsTest(
  '[P29] a deleted secret is restored by a put, and absent to get and update until then',
  async (bench) => {
    const { store, ref, client } = bench;
    await store.put(ref, Buffer.from('old'));
    await store.delete(ref);
    await store.delete(ref);
    assert.equal(await store.get(ref), undefined);
    await rejects(store.update(ref, payload), 'STORAGE_NOT_FOUND');
    const name = nameOf('', ref);
    assert.ok(
      (await client.service.describeSecret({ SecretId: name })).DeletedDate,
      'it can still be restored',
    );
    await store.put(ref, payload);
    assert.deepEqual(Buffer.from((await store.get(ref)) ?? []), payload);
    assert.equal((await client.service.describeSecret({ SecretId: name })).DeletedDate, undefined);
  },
);

secretsTest(
  '[P29] as AWS answers it: a create refused with InvalidRequest is restored first',
  async (bench) => {
    const { store, ref, inject, sent } = bench;
    await store.put(ref, Buffer.from('old'));
    await store.delete(ref);
    inject({
      name: 'create of a deleted secret',
      on: to('CreateSecret'),
      before: smError(400, 'InvalidRequestException'),
    });
    sent();
    await store.put(ref, payload);
    assert.deepEqual(sent(), [
      'CreateSecret',
      'DescribeSecret',
      'RestoreSecret',
      'TagResource',
      'PutSecretValue',
    ]);
    assert.deepEqual(Buffer.from((await store.get(ref)) ?? []), payload);
  },
);

secretsTest('an InvalidRequest for another reason is no deleted secret', async ({ store, ref, inject }) => {
  await store.put(ref, payload);
  const always = { times: Infinity, before: smError(400, 'InvalidRequestException') };
  inject({ name: 'get refused', on: to('GetSecretValue'), ...always });
  await rejects(store.get(ref), 'STORAGE_MISCONFIGURED', /InvalidRequestException/);
  inject({ name: 'put refused', on: to('PutSecretValue'), ...always });
  await rejects(store.put(ref, payload), 'STORAGE_MISCONFIGURED');
  inject({ name: 'delete refused', on: to('DeleteSecret'), ...always });
  await rejects(store.delete(ref), 'STORAGE_MISCONFIGURED');
});

secretsTest('[P30] the tag goes with the first value, and before every later one', async (bench) => {
  const { store, ref, client, sent, inject } = bench;
  await store.put(ref, payload);
  assert.deepEqual(sent(), ['CreateSecret']);
  const { Tags } = await client.service.describeSecret({ SecretId: nameOf('', ref) });
  assert.deepEqual(Tags, [{ Key: 'AccountId', Value: ref.account }]);
  sent();
  await store.put(ref, payload);
  assert.deepEqual(sent(), ['CreateSecret', 'TagResource', 'PutSecretValue']);
  await store.update(ref, payload);
  assert.deepEqual(sent(), ['TagResource', 'PutSecretValue']);
  inject({ name: 'tagging denied', on: to('TagResource'), before: smError(400, 'AccessDeniedException') });
  await rejects(store.update(ref, Buffer.from('new')), 'STORAGE_ACCESS_DENIED', /secretsmanager:TagResource/);
  assert.ok(!sent().includes('PutSecretValue'), 'no value without its tag');
  assert.deepEqual(Buffer.from((await store.get(ref)) ?? []), payload);
});

secretsTest('[P31] a payload is bytes, and text that somebody else stored is that text', async (bench) => {
  const { store, ref, client } = bench;
  await store.put(ref, payload);
  const name = nameOf('', ref);
  const { SecretString, SecretBinary } = await client.service.getSecretValue({ SecretId: name });
  assert.deepEqual([SecretString, Buffer.from(SecretBinary ?? []).toString()], [undefined, 'hunter2']);
  await client.service.putSecretValue({ SecretId: name, SecretString: 'cGxhaW4=' });
  assert.equal(Buffer.from((await store.get(ref)) ?? []).toString(), 'cGxhaW4=');
});

secretsTest('what others keep below the same names is not listed', async ({ store, ref, client }) => {
  await store.put(ref, payload);
  const prefix = prefixOfAccount(ref.account);
  for (const foreign of ['x', 'a/b/c', '=zz/id', 'a=2f/id', 'upstream/main=2Dx'])
    await client.service.createSecret({ Name: prefix + foreign, SecretString: 'x' });
  assert.deepEqual(await store.list(ref.account), { secrets: [ref] });
});

for (const [operation, action, call] of [
  ['CreateSecret', 'put', (s: SecretsManager, ref: SecretRef) => s.put(ref, payload)],
  ['PutSecretValue', 'update', (s: SecretsManager, ref: SecretRef) => s.update(ref, payload)],
  ['TagResource', 'update', (s: SecretsManager, ref: SecretRef) => s.update(ref, payload)],
  ['DeleteSecret', 'delete', (s: SecretsManager, ref: SecretRef) => s.delete(ref)],
  ['GetSecretValue', 'get', (s: SecretsManager, ref: SecretRef) => s.get(ref)],
  ['ListSecrets', 'list', (s: SecretsManager, ref: SecretRef) => s.list(ref.account)],
] as const) {
  secretsTest(
    `[catalogue] ${action} goes through a lost reply, a 500 and a throttle of ${operation}`,
    async (bench) => {
      const { store, ref, inject } = bench;
      if (operation !== 'CreateSecret') await store.put(ref, payload);
      const on = to(operation);
      inject(
        { name: `reply of ${operation} lost`, on, after: socketHangUp },
        { name: `500 of ${operation}`, on, before: smError(500, 'InternalServiceError') },
        { name: `throttle of ${operation}`, on, before: smError(400, 'ThrottlingException') },
      );
      await call(store, ref);
      const value = await store.get(ref);
      if (operation === 'DeleteSecret') assert.equal(value, undefined);
      else assert.deepEqual(Buffer.from(value ?? []), payload);
    },
  );

  secretsTest(
    `[catalogue] AccessDenied on ${operation} is fatal and names it`,
    async ({ store, ref, inject }) => {
      if (operation !== 'CreateSecret') await store.put(ref, payload);
      inject({
        name: `denied: ${operation}`,
        on: to(operation),
        times: Infinity,
        before: smError(400, 'AccessDeniedException'),
      });
      await rejects(call(store, ref), 'STORAGE_ACCESS_DENIED', new RegExp(`secretsmanager:${operation}`));
    },
  );
}

secretsTest('every reply to a write lost is an unknown outcome', async ({ store, ref, inject }) => {
  inject({
    name: 'every reply to a create lost',
    on: to('CreateSecret'),
    times: Infinity,
    after: socketHangUp,
  });
  await rejects(store.put(ref, payload), 'STORAGE_UNKNOWN_OUTCOME');
});

void test('names: back and forth, legal, no two alike, and never ending as AWS ends its own', () => {
  const parts = [
    'a',
    '-',
    '--',
    'a-',
    'x-AbCdEf',
    '-AbCdE',
    'a=2D',
    '=',
    '%2D',
    'é/ ',
    '😀',
    'AbCdEf',
    'b-cde',
    '-/-',
    '\0',
  ];
  const names = new Map<string, string>();
  for (const account of parts)
    for (const type of parts)
      for (const id of parts) {
        const ref = { account, type, id };
        const name = nameOf('put secret', ref);
        assert.match(name, /^accounts\/[A-Za-z0-9_+=.@-]+\/[A-Za-z0-9_+=.@-]+\/[A-Za-z0-9_+=.@-]+$/);
        assert.doesNotMatch(name, /-.{6}$/);
        assert.ok(name.startsWith(prefixOfAccount(account)), name);
        assert.deepEqual(refOf(name), ref);
        assert.equal(names.get(name), undefined);
        names.set(name, JSON.stringify(ref));
      }
  const long = { account: '%'.repeat(128), type: '%'.repeat(128), id: 'x' };
  assert.throws(() => nameOf('put secret', long), { code: 'INVALID_ARGUMENT', message: /512/ });
});

void test('[P32] tags and session names are legal, and no two accounts share one', () => {
  const accounts = [
    'a',
    'a b',
    'a=20b',
    'a%b',
    'a_b',
    'A',
    'é',
    '😀'.repeat(32),
    'x'.repeat(128),
    'x'.repeat(127) + 'y',
    '%'.repeat(128),
    '%'.repeat(127) + '&',
  ];
  const tags = accounts.map(accountTag);
  const sessions = accounts.map(sessionName);
  assert.equal(new Set(tags).size, accounts.length);
  assert.equal(new Set(sessions).size, accounts.length);
  for (const tag of tags) assert.match(tag, /^[A-Za-z0-9_.:/=+@-]{1,256}$/);
  for (const session of sessions) assert.match(session, /^[\w+=,.@-]{2,64}$/);
  const uuid = randomUUID();
  assert.equal(accountTag(uuid), uuid);
});

interface Assumed {
  readonly input: Parameters<StsService['assumeRole']>[0];
}

function roleBench(options: { readonly capacity?: number } = {}) {
  const clock = new FakeClock();
  const assumed: Assumed[] = [];
  const ended: string[] = [];
  const used: string[] = [];
  let denied = false;
  const sts: StsService = {
    assumeRole: async (input) => {
      if (denied)
        throw Object.assign(new Error('not authorized'), {
          name: 'AccessDenied',
          $metadata: { httpStatusCode: 403 },
        });
      assumed.push({ input });
      const Expiration = new Date(clock.now() + 3_600_000);
      const id = `key-${assumed.length}`;
      return {
        Credentials: { AccessKeyId: id, SecretAccessKey: 's', SessionToken: 't', Expiration },
        $metadata: {},
      };
    },
  };
  const settings: AccountRoleSettings = {
    roleArn: 'arn:aws:iam::123456789012:role/floecat',
    externalId: 'x1',
  };
  return {
    clock,
    assumed,
    ended,
    used,
    sts,
    settings,
    capacity: options.capacity,
    deny: () => (denied = true),
  };
}

function accountsOf(bench: ReturnType<typeof roleBench>, client: SecretsClient): AccountClients {
  const { clock, sts, settings, used, ended, capacity } = bench;
  const role = new AccountRole(sts, client.wire, settings, clock);
  const connect = (credentials: AccountCredentials): never => {
    const { accessKeyId } = credentials;
    const service = {
      getSecretValue: async () => {
        used.push(accessKeyId);
        throw Object.assign(new Error('no such secret'), {
          name: 'ResourceNotFoundException',
          $metadata: { httpStatusCode: 400 },
        });
      },
      destroy: () => void ended.push(accessKeyId),
    };
    return service as never;
  };
  return new AccountClients({ role, clock, connect, ...(capacity !== undefined && { capacity }) });
}

secretsTest(
  '[P32] each account works under its own assumed credentials, kept, renewed and bounded',
  async ({ client }) => {
    const bench = roleBench({ capacity: 2 });
    const { clock, assumed, used, ended } = bench;
    const accounts = accountsOf(bench, client);
    const { wire } = client;
    const store = openProdSecretsManager({
      storeId: randomUUID(),
      random: systemRandom,
      wire,
      access: { accounts },
    });
    const get = (account: string): Promise<unknown> => store.get({ account, type: 't', id: 'i' });
    await Promise.all([get('a'), get('a'), get('a')]);
    await get('b');
    await get('a');
    assert.deepEqual(
      assumed.map(({ input }) => input.Tags),
      [[{ Key: 'AccountId', Value: 'a' }], [{ Key: 'AccountId', Value: 'b' }]],
    );
    assert.deepEqual(used, ['key-1', 'key-1', 'key-1', 'key-2', 'key-1']);
    const [first] = assumed;
    assert.equal(first?.input.RoleSessionName, sessionName('a'));
    assert.equal(first?.input.ExternalId, 'x1');
    await get('c');
    assert.deepEqual(ended, ['key-2'], 'the account that was not used for longest makes room');
    clock.advance(56 * 60_000);
    await get('a');
    assert.equal(used.at(-1), 'key-4', 'renewed before they end');
    await store.close();
    assert.deepEqual(ended.toSorted(), ['key-1', 'key-2', 'key-3', 'key-4']);
  },
);

secretsTest(
  '[P32] a role that may not be assumed is named, and no other identity is used',
  async ({ client }) => {
    const bench = roleBench();
    bench.deny();
    const access = { accounts: accountsOf(bench, client) };
    const { wire } = client;
    const store = openProdSecretsManager({ storeId: randomUUID(), random: systemRandom, wire, access });
    const ref = { account: 'a', type: 't', id: 'i' };
    await rejects(store.get(ref), 'STORAGE_ACCESS_DENIED', /sts:AssumeRole.*role\/floecat/);
    assert.deepEqual(bench.used, []);
  },
);

secretsTest(
  '[P32] each account is signed for with its own session, through the real clients',
  async ({ client, inject }) => {
    const signed: string[] = [];
    const role = new AccountRole(
      client.clients.sts,
      client.wire,
      { roleArn: 'arn:aws:iam::123456789012:role/floecat' },
      systemClock,
    );
    const keys: string[] = [];
    const connect = (
      credentials: AccountCredentials,
    ): ReturnType<typeof client.clients.secretsManagerWith> => {
      keys.push(credentials.accessKeyId);
      return client.clients.secretsManagerWith(credentials);
    };
    const access = { accounts: new AccountClients({ role, clock: systemClock, connect }) };
    inject({
      name: 'signature seen',
      times: Infinity,
      on: (_request, headers) => {
        signed.push(/Credential=([^/]+)/.exec(headers['authorization'] ?? '')?.[1] ?? '');
        return signed.length > 0;
      },
    });
    const { wire } = client;
    const store = openProdSecretsManager({ storeId: randomUUID(), random: systemRandom, wire, access });
    for (const account of [randomUUID(), randomUUID()]) await store.get({ account, type: 't', id: 'i' });
    assert.equal(new Set(keys).size, 2);
    assert.deepEqual(signed, keys);
  },
);

// The last one, so that every other has run.
if (!('skip' in endpoint))
  void test('every fault that is injected has fired', () => {
    assert.ok(fired.size > 0);
    for (const [name, times] of fired) process.stdout.write(`fault fired ${times} times: ${name}\n`);
  });
