import assert from 'node:assert/strict';

import type { SecretRef } from '@floecat/storage-spi';

import { refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { ODD_NAMES } from '../odd-names.ts';
import { textOfBytes, utf8Sorted } from '../utf8-order.ts';
import type { SecretsBench } from './secrets-support.ts';
import { holdsSecret, payloadOf, secretsCase, walkSecrets } from './secrets-support.ts';

const MAX_PART_BYTES = 128;
/** What Secrets Manager itself appends to a name, and what its rules forbid. */
const AWS_ODD_NAMES = [
  'x-AbCdEf',
  'x',
  'x-AbCdE',
  '-AbCdEf',
  'aws/x',
  'x_2F',
  'x=2F',
  'x/',
  '@',
  '=',
  '_',
  '+',
];

function shortEnough(names: readonly string[]): readonly string[] {
  return names.filter((name) => Buffer.byteLength(name, 'utf8') <= MAX_PART_BYTES);
}

async function keepsApart({ store }: SecretsBench, refs: readonly SecretRef[]): Promise<void> {
  for (const ref of refs) await store.put(ref, payloadOf(JSON.stringify(ref)));
  for (const ref of refs) await holdsSecret(store, ref, payloadOf(JSON.stringify(ref)));
  for (const [i, ref] of refs.entries()) {
    await store.delete(ref);
    assert.equal(await store.get(ref), undefined);
    for (const other of refs.slice(i + 1)) await holdsSecret(store, other, payloadOf(JSON.stringify(other)));
  }
}

/** Names of secrets, and accounts apart. */
export const secretNameCases: readonly ContractCase[] = [
  ...[...ODD_NAMES, { title: 'names that Secrets Manager reserves', names: AWS_ODD_NAMES }].flatMap(
    ({ title, names }) => [
      secretsCase(`${title} are ids of their own, listed exactly`, async (bench) => {
        const { store, ref, account } = bench;
        const ids = shortEnough(names);
        for (const id of ids) await store.put(ref(id), payloadOf(id));
        assert.deepEqual(
          (await walkSecrets(store, account('a'))).map((each) => each.id),
          utf8Sorted(ids),
        );
        await keepsApart(
          bench,
          ids.map((id) => ref(id)),
        );
      }),
      secretsCase(`${title} are types of their own`, (bench) =>
        keepsApart(
          bench,
          shortEnough(names).map((type) => bench.ref('id', type)),
        ),
      ),
    ],
  ),

  secretsCase('a slash in a part is not the slash between parts', (bench) => {
    const { ref, account } = bench;
    return keepsApart(bench, [
      ref('b/c', 'a'),
      ref('c', 'a/b'),
      ref('b%2Fc', 'a'),
      ref('c', 'a%2Fb'),
      { account: account('a/a'), type: 'b', id: 'c' },
      { account: account('a'), type: 'a/b', id: 'c2' },
    ]);
  }),

  secretsCase(
    '[34] accounts are apart: nothing of one is read, listed or deleted under another',
    async (bench) => {
      const { store, account } = bench;
      const accounts = ['a', 'ab', 'a/b', 'a%2Fb', 'A', 'a-', 'a.', 'a ', '..', '%', 'á', 'a\u0301'].map(
        account,
      );
      const refs = accounts.map((each) => ({ account: each, type: 'type', id: 'id' }));
      for (const ref of refs) await store.put(ref, payloadOf(ref.account));
      for (const ref of refs) {
        await holdsSecret(store, ref, payloadOf(ref.account));
        assert.deepEqual(await walkSecrets(store, ref.account), [ref]);
      }
      const [first, ...others] = refs;
      assert.ok(first);
      await store.delete(first);
      assert.deepEqual(await walkSecrets(store, first.account), []);
      await store.update({ ...first, account: account('ab') }, payloadOf('new'));
      for (const ref of others.slice(1)) await holdsSecret(store, ref, payloadOf(ref.account));
    },
  ),

  ...(['account', 'type', 'id'] as const).map((part) =>
    secretsCase(
      `[32] an ${part} of 1 to ${MAX_PART_BYTES} bytes works; empty, longer or ill-formed is refused`,
      async ({ store, ref, account }) => {
        const stem = part === 'account' ? account('') : '';
        for (const unit of ['x', 'é', '😀', '%', '/', '\0', '.']) {
          const longest = { ...ref('id'), [part]: textOfBytes(MAX_PART_BYTES, unit, stem) };
          await store.put(longest, payloadOf(unit));
          await holdsSecret(store, longest, payloadOf(unit));
          assert.deepEqual(await walkSecrets(store, longest.account), [longest]);
          await store.delete(longest);
          const over = { ...longest, [part]: longest[part] + 'x' };
          const limits = { mentions: [MAX_PART_BYTES, MAX_PART_BYTES + 1] };
          await refused(store.put(over, payloadOf('x')), { operation: 'put secret', ...limits });
          await refused(store.get(over), { operation: 'get secret', ...limits });
          await refused(store.update(over, payloadOf('x')), { operation: 'update secret', ...limits });
          await refused(store.delete(over), { operation: 'delete secret', ...limits });
        }
        for (const bad of ['', '\ud800', 'a\udc00', undefined, 7] as string[]) {
          const bent = { ...ref('id'), [part]: bad };
          await refused(store.put(bent, payloadOf('hunter2')));
          await refused(store.get(bent));
          await refused(store.update(bent, payloadOf('x')));
          await refused(store.delete(bent));
          if (part === 'account') await refused(store.list(bad), { operation: 'list secrets' });
        }
      },
    ),
  ),
];
