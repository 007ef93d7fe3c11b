import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import type { QueryCommandInput, QueryCommandOutput } from '@aws-sdk/client-dynamodb';
import type { DynamoService } from '@floecat/storage-aws';
import { DYNAMODB_WIRE, DynamoPointerStore, RetryBudget, Shards, Wire } from '@floecat/storage-aws';
import { compareUtf8, lowerBound, systemRandom } from '@floecat/storage-spi';
import { FakeClock, seededRandom, withSeed } from '@floecat/storage-testkit';

import { DynamoTable } from '../../src/dynamo/dynamo-table.ts';
import type { Item } from '../../src/dynamo/pointer-item.ts';
import { toItem } from '../../src/dynamo/pointer-item.ts';
import { StoreClock } from '../../src/dynamo/store-clock.ts';

const ID = systemRandom.uuid();
const SHARDS = 16;

/** A Query over rows in memory, one page of at most `mostRows` at a time, as DynamoDB answers when rows are large. */
function queriesOf(rows: ReadonlyMap<string, readonly Item[]>, mostRows: number) {
  let requests = 0;
  const query = async (input: QueryCommandInput): Promise<QueryCommandOutput> => {
    requests++;
    const values = input.ExpressionAttributeValues ?? {};
    const prefix = values[':prefix']?.S ?? '';
    const after = input.ExclusiveStartKey?.['key']?.S;
    const shard = rows.get(values[':shard']?.S ?? '') ?? [];
    const from = lowerBound(shard, after ?? prefix, ({ key }) => key?.S ?? '', after !== undefined);
    const length = Math.min(input.Limit ?? mostRows, mostRows);
    const Items = shard.slice(from, from + length).filter(({ key }) => key?.S?.startsWith(prefix));
    const next = shard[from + Items.length]?.['key']?.S;
    const last = next?.startsWith(prefix) ? Items.at(-1) : undefined;
    return {
      $metadata: {},
      Items,
      ...(last?.['shard'] && last['key'] && { LastEvaluatedKey: { shard: last['shard'], key: last['key'] } }),
    };
  };
  return { query, requests: () => requests };
}

/** A store over rows in memory. Those with `expired` in their key have expired. */
function storeOf(keys: readonly string[], mostRows = 1_000) {
  const shards = new Shards(SHARDS);
  const rows = new Map<string, Item[]>();
  for (const key of keys.toSorted(compareUtf8)) {
    const shard = shards.ofKey(key);
    const expiresAt = key.includes('expired') ? { expiresAt: 1 } : {};
    const row = {
      key,
      version: 1,
      kind: 'value',
      value: '',
      writeId: ID,
      incarnation: ID,
      updatedAt: 0,
      ...expiresAt,
    } as const;
    const placed = rows.get(shard);
    if (placed) placed.push(toItem(shard, row));
    else rows.set(shard, [toItem(shard, row)]);
  }
  const clock = new FakeClock();
  const { query, requests } = queriesOf(rows, mostRows);
  const wire = new Wire({
    clock,
    random: seededRandom(1),
    settings: DYNAMODB_WIRE,
    budget: new RetryBudget(),
  });
  const service = { query } as DynamoService;
  const table = new DynamoTable({
    service,
    tableName: 't',
    wire,
    clock: new StoreClock(clock),
    wallClock: clock,
  });
  const store = new DynamoPointerStore({
    table,
    storeId: ID,
    shards: new Shards(SHARDS),
    random: seededRandom(2),
  });
  return { store, requests };
}

async function walk(
  store: DynamoPointerStore,
  prefix: string,
  limit: number,
): Promise<{ keys: string[]; pages: number }> {
  const keys: string[] = [];
  let pageToken: string | undefined;
  let pages = 0;
  do {
    const page = await store.listPointersByPrefix(prefix, {
      limit,
      ...(pageToken !== undefined && { pageToken }),
    });
    assert.ok(page.pointers.length <= limit);
    keys.push(...page.pointers.map(({ key }) => key));
    pageToken = page.nextPageToken;
    pages++;
    assert.ok(pages < 10_000, 'the walk does not end');
  } while (pageToken !== undefined);
  return { keys, pages };
}

suite('a walk over shards', () => {
  test('answers every row once and in order, however unevenly the shards are filled and the slices cut', async () => {
    await withSeed(async (random) => {
      for (let round = 0; round < 30; round++) {
        const scopes = Array.from({ length: 1 + random.below(6) }, (_, i) => `/a/b/${random.below(3)}/${i}/`);
        const keys = new Set<string>();
        for (let i = random.below(300); i > 0; i--) {
          const stem = random.below(3) === 0 ? '/a/' : random.pick(scopes);
          keys.add(`${stem}${random.pick(['', 'expired', '\u{10000}', '\uff61'])}${random.below(200)}`);
        }
        const { store } = storeOf([...keys], 1 + random.below(20));
        const wanted = [...keys].filter((key) => !key.includes('expired')).toSorted(compareUtf8);
        for (const limit of [1, 7, 100, 1_000])
          assert.deepEqual((await walk(store, '/a/', limit)).keys, wanted);
        assert.deepEqual((await walk(store, '', 50)).keys, wanted);
      }
    });
  });

  test('reads on in a shard that has more of the page than its share', async () => {
    const full = Array.from({ length: 60 }, (_, i) => `/a/b/c/d/${String(i).padStart(3, '0')}`);
    const later = Array.from({ length: 400 }, (_, i) => `/b/${String(i).padStart(3, '0')}`);
    const { store } = storeOf([...full, ...later]);
    const page = await store.listPointersByPrefix('/', { limit: 50 });
    assert.deepEqual(
      page.pointers.map(({ key }) => key),
      full.slice(0, 50),
    );
  });

  test('a page may end early among very many expired rows, and the walk still finds the rest', async () => {
    const expired = Array.from({ length: 25_000 }, (_, i) => `/a/b/c/d/expired${String(i).padStart(6, '0')}`);
    const there = ['/a/0', '/a/b/c/d/first', '/a/b/c/d/zlast', '/a/z', '/z'];
    const { store } = storeOf([...expired, ...there]);
    for (const [prefix, wanted] of [
      ['', there],
      ['/a/b/c/d/', there.slice(1, 3)],
    ] as const) {
      const { keys, pages } = await walk(store, prefix, 10);
      assert.deepEqual(keys, wanted.toSorted(compareUtf8));
      assert.ok(pages > 1 && pages < 10, `${pages} pages`);
    }
  });

  test('a page that ends early leaves out what a shard that lags behind may still hold', async () => {
    const scopes = ['c', 'd', 'e', 'f', 'g'].map((name) => `/a/b/${name}/x/`);
    const expired = scopes.flatMap((scope) =>
      Array.from({ length: 8_000 }, (_, i) => `${scope}expired${String(i).padStart(6, '0')}`),
    );
    const there = scopes
      .flatMap((scope) => [`${scope}expired004000+`, `${scope}zlast`])
      .map((key) => key.replace('expired', 'expire'));
    const { store } = storeOf([...expired, ...there]);
    const { keys, pages } = await walk(store, '/a/', 100);
    assert.deepEqual(keys, there.toSorted(compareUtf8));
    assert.ok(pages > 1, `${pages} pages`);
  });

  test('a page of 1,000 rows in one scope is one request, over sixteen shards few more than sixteen', async () => {
    const scoped = storeOf(
      Array.from({ length: 1_500 }, (_, i) => `/a/b/c/d/${i}`),
      1_100,
    );
    assert.equal((await scoped.store.listPointersByPrefix('/a/b/c/d/')).pointers.length, 1_000);
    assert.equal(scoped.requests(), 1);
    const spread = storeOf(
      Array.from({ length: 4_000 }, (_, i) => `/a/${i}`),
      1_100,
    );
    assert.equal((await spread.store.listPointersByPrefix('/a/')).pointers.length, 1_000);
    assert.ok(spread.requests() <= 2 * SHARDS, `${spread.requests()} requests`);
  });
});
