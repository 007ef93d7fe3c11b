import assert from 'node:assert/strict';

import type { CallOptions, SecretRef, SecretsManager } from '@floecat/storage-spi';
import { MAX_SECRET_BYTES } from '@floecat/storage-spi';

import { failsWith, refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { secretListingCases } from './listing-cases.ts';
import { secretNameCases } from './name-cases.ts';
import { holdsSecret, payloadOf, secretsCase, walkSecrets } from './secrets-support.ts';

/** Every operation, each in a call that would succeed. The delete comes last. */
function everyCall(
  store: SecretsManager,
  ref: SecretRef,
): readonly [operation: string, run: (options: CallOptions) => Promise<unknown>][] {
  const payload = payloadOf('written');
  return [
    ['get secret', (options) => store.get(ref, options)],
    ['list secrets', (options) => store.list(ref.account, options)],
    ['put secret', (options) => store.put(ref, payload, options)],
    ['update secret', (options) => store.update(ref, payload, options)],
    ['delete secret', (options) => store.delete(ref, options)],
  ];
}

const payloadCases: readonly ContractCase[] = [
  secretsCase('a secret comes back exactly, put again it is replaced', async ({ store, ref }) => {
    const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (const payload of [
      payloadOf('text'),
      everyByte,
      Uint8Array.of(0),
      payloadOf('cGxhaW4='),
      payloadOf(' \n'),
    ]) {
      await store.put(ref('x'), payload);
      await holdsSecret(store, ref('x'), payload);
    }
    assert.deepEqual(await walkSecrets(store, ref('x').account), [ref('x')]);
  }),

  secretsCase(`1 and ${MAX_SECRET_BYTES} bytes work, 0 and one more are refused`, async ({ store, ref }) => {
    for (const size of [1, MAX_SECRET_BYTES]) {
      const payload = Buffer.alloc(size, 0xff);
      await store.put(ref('x'), payload);
      await store.update(ref('x'), payload);
      await holdsSecret(store, ref('x'), payload);
    }
    for (const write of ['put', 'update'] as const) {
      const operation = `${write} secret`;
      await refused(store[write](ref('x'), new Uint8Array()), { operation, mentions: ['empty'] });
      const over = Buffer.alloc(MAX_SECRET_BYTES + 1);
      await refused(store[write](ref('x'), over), {
        operation,
        mentions: [MAX_SECRET_BYTES, MAX_SECRET_BYTES + 1],
      });
      for (const bad of ['text', null, new ArrayBuffer(2), undefined])
        await refused(store[write](ref('x'), bad as unknown as Uint8Array), { operation });
    }
    await holdsSecret(store, ref('x'), Buffer.alloc(MAX_SECRET_BYTES, 0xff));
  }),

  secretsCase('an absent secret is undefined, and deleting it succeeds', async ({ store, ref, account }) => {
    assert.equal(await store.get(ref('x')), undefined);
    await store.delete(ref('x'));
    assert.deepEqual(await store.list(account('a')), { secrets: [] });
  }),

  secretsCase('update replaces what is there', async ({ store, ref }) => {
    await store.put(ref('x'), payloadOf('one'));
    await store.update(ref('x'), payloadOf('two'));
    await holdsSecret(store, ref('x'), payloadOf('two'));
  }),

  secretsCase(
    'update of an absent secret is STORAGE_NOT_FOUND, creates nothing and tells no value',
    async (bench) => {
      const { store, ref } = bench;
      await store.put(ref('other'), payloadOf('other'));
      const error = await failsWith('STORAGE_NOT_FOUND', store.update(ref('x'), payloadOf('hunter2')), {
        operation: 'update secret',
      });
      const { account, type, id } = ref('x');
      assert.equal(error.key, `accounts/${account}/${type}/${id}`);
      assert.ok(!`${error.message} ${String(error.cause)}`.includes('hunter2'));
      assert.equal(await store.get(ref('x')), undefined);
      assert.deepEqual(await walkSecrets(store, account), [ref('other')]);
    },
  ),

  secretsCase(
    'a deleted secret is gone at once, and can be put again at once',
    async ({ store, ref, account }) => {
      for (const text of ['one', 'two', 'three']) {
        await store.put(ref('x'), payloadOf(text));
        await holdsSecret(store, ref('x'), payloadOf(text));
        await store.delete(ref('x'));
        assert.equal(await store.get(ref('x')), undefined);
        await failsWith('STORAGE_NOT_FOUND', store.update(ref('x'), payloadOf('late')));
        assert.deepEqual(await store.list(account('a')), { secrets: [] });
      }
    },
  ),

  secretsCase(
    '[11] a payload changed by the caller after put, or after get, changes nothing',
    async (bench) => {
      const { store, ref } = bench;
      // A Buffer too, whose slice shares memory instead of copying it.
      for (const payload of [payloadOf('kept'), Buffer.from('kept')]) {
        await store.put(ref('x'), payload);
        payload.fill(0);
        (await store.get(ref('x')))?.fill(0);
        await holdsSecret(store, ref('x'), payloadOf('kept'));
      }
      const whole = payloadOf('0123456789');
      await store.put(ref('view'), whole.subarray(3, 6));
      await holdsSecret(store, ref('view'), payloadOf('345'));
    },
  ),
];

const lifecycleCases: readonly ContractCase[] = [
  secretsCase(
    '[20] every operation of a closed store fails with STORAGE_CLOSED, a second close does nothing',
    async ({ store, ref }) => {
      await store.put(ref('x'), payloadOf('x'));
      await Promise.all([store.close(), store.close()]);
      for (const [operation, run] of everyCall(store, ref('x')))
        await failsWith('STORAGE_CLOSED', run({}), { operation });
      await store[Symbol.asyncDispose]();
    },
  ),

  secretsCase(
    '[20] secrets are there after a restart',
    async ({ store, ref, account, fixture }) => {
      const refs = [ref('odd/\0😀', 'a'), ref('x', 'b')];
      for (const each of refs) await store.put(each, payloadOf(each.id));
      const { secrets } = await fixture.restart();
      for (const each of refs) await holdsSecret(secrets, each, payloadOf(each.id));
      assert.deepEqual(await walkSecrets(secrets, account('a')), refs);
    },
    'restart',
  ),

  secretsCase(
    '[16] a second client sees an acknowledged put and delete at once',
    async ({ store, ref, fixture }) => {
      const { secrets } = await fixture.openSecond();
      for (const text of ['one', 'two']) {
        await store.put(ref('x'), payloadOf(text));
        await holdsSecret(secrets, ref('x'), payloadOf(text));
      }
      await secrets.delete(ref('x'));
      assert.equal(await store.get(ref('x')), undefined);
    },
    'secondClient',
  ),

  secretsCase('[21] a call whose signal is aborted already is not sent', async ({ store, ref }) => {
    await store.put(ref('x'), payloadOf('x'));
    const reason = new Error('no longer needed');
    for (const [operation, run] of everyCall(store, ref('x'))) {
      const signal = AbortSignal.abort(reason);
      const error = await failsWith('STORAGE_ABORT_RETRYABLE', run({ signal }), { operation });
      assert.equal(error.cause, reason);
    }
    await holdsSecret(store, ref('x'), payloadOf('x'));
  }),

  secretsCase('[84] of puts at the same time one wins whole', async ({ store, ref }) => {
    const payloads = Array.from({ length: 16 }, (_, i) => Buffer.alloc(5_000 + i, i + 1));
    await Promise.all(payloads.map((payload) => store.put(ref('x'), payload)));
    const found = await store.get(ref('x'));
    assert.ok(
      found && payloads.some((payload) => Buffer.compare(payload, found) === 0),
      'a mixture of two puts',
    );
  }),
];

/** The laws of a SecretsManager. */
export const secretsContract: readonly ContractCase[] = [
  ...payloadCases,
  ...secretNameCases,
  ...secretListingCases,
  ...lifecycleCases,
];
