import assert from 'node:assert/strict';

import type { OnceResult } from '@floecat/repository';
import type { BatchOperation, Pointer } from '@floecat/storage-spi';
import {
  InvalidArgumentError,
  StorageAbortRetryableError,
  StorageConflictError,
  StorageUnknownOutcomeError,
} from '@floecat/storage-spi';

import type { LawWorld, RepositoryLaw } from '../support/law-world.ts';
import type { StoreCall } from '../support/store-calls.ts';
import { aheadOf } from '../support/store-calls.ts';
import { checkStore } from '../support/store-check.ts';

type Client = LawWorld['repositories'];
type Told = OnceResult<{ readonly n: number }>;

const LEASE_MS = 30_000;
const TTL_MS = 900_000;
const RUN = { key: 'a key/with % odd bytes ü', fingerprint: 'add one' };

/** Adds one to `n` of the catalog `lake`, once for each key. */
function addOne(
  { repo }: LawWorld,
  client: Client,
  run = RUN,
  options: { readonly began?: () => Promise<unknown>; readonly waitMs?: number } = {},
): Promise<Told> {
  const { began, ...rest } = options;
  return repo.runOnce<{ n: number }>(
    client.context,
    run,
    async ({ completing, signal }) => {
      await began?.();
      let n = 0;
      await client.catalogs.update(
        () => client.catalogs.require('lake'),
        ({ properties }) => {
          n = Number(properties['n'] ?? '0') + 1;
          properties['n'] = String(n);
        },
        { signal, also: async () => [await completing({ n })] },
      );
      return { n };
    },
    rest,
  );
}

async function applied({ repositories }: LawWorld): Promise<number> {
  return Number((await repositories.catalogs.require('lake')).resource.properties['n'] ?? '0');
}

async function recordRow({ storage }: LawWorld): Promise<Pointer | undefined> {
  const page = await storage.pointers.listPointersByPrefix('/accounts/acme/idempotency/', {
    includeExpired: true,
  });
  assert.ok(page.pointers.length <= 1);
  return page.pointers[0];
}

/** The transaction of an operation, not a write of the record alone. */
function isApplying({ name, args }: StoreCall): boolean {
  return name === 'pointers.compareAndSetBatch' && (args[0] as readonly BatchOperation[]).length > 1;
}

export const idempotencyLaws: readonly RepositoryLaw[] = [
  {
    name: 'idempotency: the same key and fingerprint gives the first result again',
    holds: async (world) => {
      const first = await addOne(world, world.client());
      assert.deepEqual(first, { result: { n: 1 }, replayed: false });
      assert.deepEqual(await addOne(world, world.client()), { result: { n: 1 }, replayed: true });
      assert.equal(await applied(world), 1);
      const other = await addOne(world, world.client(), { ...RUN, key: 'another' });
      assert.deepEqual(other, { result: { n: 2 }, replayed: false });
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'idempotency: the same key with another fingerprint is refused, done or under way',
    holds: async (world) => {
      const { repo } = world;
      const other = { ...RUN, fingerprint: 'something else' };
      await addOne(world, world.client(), RUN, {
        began: () => assert.rejects(addOne(world, world.client(), other), repo.IdempotencyKeyReusedError),
      });
      await assert.rejects(addOne(world, world.client(), other), repo.IdempotencyKeyReusedError);
      assert.equal(await applied(world), 1);
    },
  },
  {
    name: 'idempotency: the record of a run lies in its account, spread by a hash, and the root names it',
    holds: async (world) => {
      await addOne(world, world.client());
      const row = await recordRow(world);
      assert.match(
        row?.key ?? '',
        /^\/accounts\/acme\/idempotency\/[0-9a-f]{2}\/a key%2Fwith %25 odd bytes ü$/,
      );
      assert.deepEqual(world.repo.shapeOfKey(row?.key ?? ''), { is: 'record' });
      assert.equal(row?.expiresAt, world.clock.seconds() + TTL_MS / 1_000);
      const { envelope, pointer } = await world.repositories.catalogs.require('lake');
      assert.equal(row?.writeId, pointer.writeId, 'one transaction');
      assert.ok(envelope.transaction.some(({ key, version }) => key === row?.key && version === 2n));
    },
  },
  {
    name: 'idempotency: of calls at once one applies, and all get its result',
    holds: async (world) => {
      const calls = Array.from({ length: 8 }, () => addOne(world, world.client()));
      const told = await Promise.allSettled(calls);
      const results = told.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      for (const each of told)
        if (each.status === 'rejected')
          assert.ok(each.reason instanceof world.repo.IdempotencyInProgressError, String(each.reason));
      assert.equal(results.filter(({ replayed }) => !replayed).length, 1);
      for (const { result } of results) assert.deepEqual(result, { n: 1 });
      assert.equal(await applied(world), 1);
    },
  },
  {
    name: 'idempotency: a call while another is under way is told so, and may come again',
    holds: async (world) => {
      const { repo } = world;
      await addOne(world, world.client(), RUN, {
        began: () =>
          assert.rejects(
            addOne(world, world.client(), RUN, { waitMs: 0 }),
            (error) =>
              error instanceof repo.IdempotencyInProgressError && error.message.includes('again later'),
          ),
      });
      assert.equal((await addOne(world, world.client())).replayed, true);
    },
  },
  {
    name: 'idempotency: a holder that died is taken over once its lease is over, and not before',
    holds: async (world) => {
      const { repo, clock } = world;
      let dead = false;
      const dying = world.client(async (call, proceed) => {
        dead ||= isApplying(call);
        if (dead) throw new Error('the process is dead');
        return proceed();
      });
      await assert.rejects(addOne(world, dying), /dead/);
      clock.advance(LEASE_MS);
      await assert.rejects(addOne(world, world.client()), repo.IdempotencyInProgressError);
      clock.advance(1_000);
      assert.deepEqual(await addOne(world, world.client()), { result: { n: 1 }, replayed: false });
      assert.equal(await applied(world), 1);
    },
  },
  {
    name: 'idempotency: a stalled holder that was taken over applies nothing, and answers what the other applied',
    holds: async (world) => {
      const { clock } = world;
      const stalled = world.client(
        aheadOf(isApplying, async () => {
          clock.advance(LEASE_MS + 1_000);
          assert.equal((await addOne(world, world.client())).replayed, false);
        }),
      );
      assert.deepEqual(await addOne(world, stalled), { result: { n: 1 }, replayed: true });
      assert.equal(await applied(world), 1);
      await checkStore(world.storage, { atRest: true });
    },
  },
  {
    name: 'idempotency: a stalled create that was taken over is no conflict with what the other created',
    holds: async (world) => {
      const { clock, repo } = world;
      const make = (client: Client): Promise<OnceResult<string>> =>
        repo.runOnce(client.context, RUN, async ({ completing }) => {
          await client.catalogs.create('pond', { also: async () => [await completing('made')] });
          return 'made';
        });
      const stalled = world.client(
        aheadOf(isApplying, async () => {
          clock.advance(LEASE_MS + 1_000);
          await make(world.client());
        }),
      );
      assert.deepEqual(await make(stalled), { result: 'made', replayed: true });
    },
  },
  {
    name: 'idempotency: a stalled holder applies nothing while the one that took over is under way, nor after that one failed',
    holds: async (world) => {
      const { clock, repo } = world;
      const stall = Promise.withResolvers<void>();
      const parked = Promise.withResolvers<void>();
      const stalled = world.client(
        aheadOf(isApplying, () => {
          parked.resolve();
          return stall.promise;
        }),
      );
      const first = addOne(world, stalled, RUN, { waitMs: 0 });
      await parked.promise;
      clock.advance(LEASE_MS + 1_000);
      const second = repo.runOnce(world.client().context, RUN, async () => {
        stall.resolve();
        await assert.rejects(first, repo.IdempotencyInProgressError);
        assert.equal(await applied(world), 0);
        throw new StorageConflictError('taken');
      });
      await assert.rejects(second, StorageConflictError);
      assert.equal(await recordRow(world), undefined, 'let go');
      assert.deepEqual(await addOne(world, world.client()), { result: { n: 1 }, replayed: false });
    },
  },
  {
    name: 'idempotency: a stalled holder whose record has expired, or was collected, applies nothing and says that it cannot tell',
    holds: async (world) => {
      const { clock, storage } = world;
      for (const collect of [false, true]) {
        const stalled = world.client(
          aheadOf(isApplying, async () => {
            clock.advance(TTL_MS + 1_000);
            const row = await recordRow(world);
            if (collect && row)
              await storage.pointers.compareAndDelete(row.key, row, { includeExpired: true });
          }),
        );
        await assert.rejects(addOne(world, stalled), StorageUnknownOutcomeError);
        assert.equal(await applied(world), 0);
      }
    },
  },
  {
    name: 'idempotency: an operation that fails lets go of its key, and the next call runs',
    holds: async (world) => {
      const { repo } = world;
      const failing = repo.runOnce(world.client().context, RUN, async ({ completing }) => {
        await completing({ n: 7 });
        throw new StorageConflictError('taken');
      });
      await assert.rejects(failing, StorageConflictError);
      assert.equal(await recordRow(world), undefined);
      assert.equal((await addOne(world, world.client())).replayed, false);
    },
  },
  {
    name: 'idempotency: an operation that commits nothing is recorded too, also where its commit was refused',
    holds: async (world) => {
      const { repo, repositories } = world;
      let ran = 0;
      const ensure = (): Promise<OnceResult<string>> =>
        repo.runOnce(repositories.context, RUN, async ({ completing }) => {
          ran++;
          const made = repositories.catalogs.create('lake', {
            also: async () => [await completing('made')],
          });
          return made.then(
            () => 'made',
            (error: unknown) => {
              assert.ok(error instanceof StorageConflictError);
              return 'was there';
            },
          );
        });
      assert.deepEqual(await ensure(), { result: 'was there', replayed: false });
      assert.deepEqual(await ensure(), { result: 'was there', replayed: true });
      assert.equal(ran, 1);
    },
  },
  {
    name: 'idempotency: a record expires, and its key is new again',
    holds: async (world) => {
      await addOne(world, world.client());
      world.clock.advance(TTL_MS - 1);
      assert.equal((await addOne(world, world.client())).replayed, true);
      world.clock.advance(1_000);
      assert.deepEqual(await addOne(world, world.client()), { result: { n: 2 }, replayed: false });
    },
  },
  {
    name: 'idempotency: an unknown outcome is settled by the record: applied is answered, not applied runs again',
    holds: async (world) => {
      const { repo } = world;
      for (const [key, isApplied] of [
        ['applied', true],
        ['lost', false],
      ] as const) {
        const before = await applied(world);
        let ran = 0;
        const client = world.client();
        const told = await repo.runOnce<string>(client.context, { ...RUN, key }, async ({ completing }) => {
          ran++;
          const add = client.catalogs.update(
            () => client.catalogs.require('lake'),
            ({ properties }) => {
              if (ran === 1 && !isApplied) throw new StorageUnknownOutcomeError('lost');
              properties['n'] = String(Number(properties['n'] ?? '0') + 1);
            },
            { also: async () => [await completing(`run ${ran}`)] },
          );
          await add;
          if (ran === 1) throw new StorageUnknownOutcomeError('the answer was lost');
          return `run ${ran}`;
        });
        assert.deepEqual(told, { result: isApplied ? 'run 1' : 'run 2', replayed: false });
        assert.equal(await applied(world), before + 1);
      }
    },
  },
  {
    name: 'idempotency: a transaction that lands late, after its run was tried again or given up, is refused',
    holds: async (world) => {
      const { repo } = world;
      const late: (() => Promise<unknown>)[] = [];
      const losing = world.client(async (call, proceed) => {
        if (!isApplying(call)) return proceed();
        // The second run meets it on its way, the third one after that.
        for (const land of late.splice(0))
          assert.equal(((await land()) as { readonly applied: boolean }).applied, false);
        if (++seen > 2) return proceed();
        late.push(proceed);
        throw new StorageUnknownOutcomeError('the answer was lost');
      });
      let seen = 0;
      // Each commit is tried once, so that it is the run that is tried again.
      const once = repo.openRepositories({
        ...losing.context,
        retry: { ...losing.context.retry, maxAttempts: 1 },
      });
      const run = (context: Client['context']): Promise<Told> =>
        repo.runOnce<{ n: number }>(context, RUN, async ({ completing }) => {
          await once.catalogs.update(
            await once.catalogs.require('lake'),
            ({ properties }) => void (properties['n'] = '1'),
            { also: async () => [await completing({ n: 1 })] },
          );
          return { n: 1 };
        });
      assert.deepEqual(await run(losing.context), { result: { n: 1 }, replayed: false });
      assert.equal((await world.repositories.catalogs.require('lake')).pointer.version, 2);

      seen = -10;
      const other = { ...RUN, key: 'given up' };
      const lost = repo.runOnce(once.context, other, async ({ completing }) => {
        const lake = await once.catalogs.require('lake');
        const stash = world.client(async (call, proceed) => {
          if (!isApplying(call)) return proceed();
          late.push(proceed);
          throw new StorageUnknownOutcomeError('the answer was lost');
        });
        const hasty = repo.openRepositories({ ...stash.context, retry: once.context.retry });
        await hasty.catalogs.update(lake, () => undefined, { also: async () => [await completing(null)] });
        return null;
      });
      await assert.rejects(lost, StorageAbortRetryableError, 'it is certain that nothing was applied');
      for (const land of late.splice(0))
        assert.equal(((await land()) as { readonly applied: boolean }).applied, false);
    },
  },
  {
    name: 'idempotency: a result that is too large, a key and a fingerprint that cannot be stored are refused with nothing applied',
    holds: async (world) => {
      const { repo, repositories } = world;
      const big = repo.runOnce(repositories.context, RUN, async ({ completing }) => {
        const text = 'x'.repeat(repo.MAX_RESULT_BYTES);
        await repositories.catalogs.create('pond', { also: async () => [await completing(text)] });
        return text;
      });
      await assert.rejects(
        big,
        (error) => error instanceof InvalidArgumentError && /65538/.test(error.message),
      );
      assert.equal(await repositories.catalogs.get('pond'), undefined);
      assert.equal(await recordRow(world), undefined);
      for (const run of [
        { ...RUN, key: '' },
        { ...RUN, key: 'k'.repeat(256) },
        { ...RUN, key: '\ud800' },
        { ...RUN, fingerprint: '' },
      ])
        await assert.rejects(addOne(world, repositories, run), InvalidArgumentError);
    },
  },
  {
    name: 'idempotency: each mutation carries the completion in the commit that decides it',
    holds: async (world) => {
      const { repo, repositories } = world;
      const { catalogs, namespaces, context } = repositories;
      type With = { readonly also: () => Promise<readonly BatchOperation[]> };
      const operations: readonly (readonly [string, (options: With) => Promise<unknown>])[] = [
        ['create', (options) => namespaces.create('lake', ['hr'], options)],
        ['nested', (options) => namespaces.create('lake', ['hr', 'eu'], options)],
        [
          'rename',
          async (options) => namespaces.rename(await namespaces.require('lake', ['sales']), ['us'], options),
        ],
        ['drop', (options) => namespaces.dropAt('lake', ['us'], options)],
        ['recursive', (options) => namespaces.dropAt('lake', ['hr'], { recursive: true, ...options })],
        [
          'transact',
          async ({ also }) =>
            repo.transact(context, async (transaction) => {
              const lake = await catalogs.require('lake');
              transaction.replace(repo.catalogKind, lake, lake.resource).also(...(await also()));
            }),
        ],
      ];
      for (const [key, operation] of operations) {
        const batches: (readonly BatchOperation[])[] = [];
        const once = (): Promise<OnceResult<string>> =>
          repo.runOnce(context, { key, fingerprint: key }, async ({ completing }) => {
            await operation({
              also: async () => {
                const done = await completing(key);
                batches.push([done]);
                return [done];
              },
            });
            const row = await world.storage.pointers.get(batches[0]?.[0]?.key ?? '');
            assert.match(row?.kind === 'value' ? row.value : '', /"done"/, key);
            return key;
          });
        assert.deepEqual(await once(), { result: key, replayed: false }, key);
        assert.equal(batches.length, 1, key);
        assert.deepEqual(await once(), { result: key, replayed: true }, key);
      }
      await checkStore(world.storage, { atRest: true });
    },
  },
];
