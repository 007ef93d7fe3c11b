import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import * as repository from '@floecat/repository';
import { seededRandom } from '@floecat/storage-testkit';

import { BACKENDS } from './support/backends.ts';
import type { LawWorld } from './support/law-world.ts';
import { openLawWorld } from './support/law-world.ts';
import { checkStore } from './support/store-check.ts';

const WRITERS = 64;
/** A lost race costs a blob that is flushed, on a disk. */
const INCREMENTS: Readonly<Record<string, number>> = { memory: 8, local: 2 };
const BANKS = 8;
const ROUNDS = 12;
const CLERKS = 8;
const TRANSFERS = ROUNDS * CLERKS * 2;
const OPENING = 100;

for (const [backend, open] of BACKENDS)
  suite(`writers at once, on ${backend}`, () => {
    test(`${WRITERS} writers increment one counter: the exact sum`, async () => {
      await using fixture = await open();
      const world = await openLawWorld(repository, fixture);
      const { owner } = await world.repositories.catalogs.require('lake');
      const increments = INCREMENTS[backend] ?? 1;
      const writer = async (): Promise<void> => {
        const { catalogs } = world.client();
        for (let i = 0; i < increments; i++)
          await catalogs.update(owner.id, (catalog) => increment(catalog.properties), { attempts: 10_000 });
      };
      await Promise.all(Array.from({ length: WRITERS }, writer));
      const { resource, pointer } = await world.repositories.catalogs.require('lake');
      assert.equal(resource.properties['n'], String(WRITERS * increments));
      assert.equal(pointer.version, 1 + WRITERS * increments, 'each increment is a version');
      await checkStore(fixture.storage, { atRest: true });
    });

    test('transfers between accounts in transactions: the sum is the same at every audit', async (t) => {
      await using fixture = await open();
      const world = await openLawWorld(repository, fixture);
      const ids = await openBanks(world);
      const random = seededRandom(5);
      let refused = 0;
      const clerk = async (): Promise<void> => {
        for (let i = 0; i < TRANSFERS / ROUNDS / CLERKS; i++) {
          const from = random.below(BANKS);
          const to = (from + 1 + random.below(BANKS - 1)) % BANKS;
          const amount = 1 + random.below(60);
          if (!(await transfer(world.client(), ids[from] ?? '', ids[to] ?? '', amount))) refused++;
        }
      };
      // In each round one audit runs beside the clerks, and one after them.
      for (let round = 0; round < ROUNDS; round++) {
        const clerks = Array.from({ length: CLERKS }, clerk);
        assert.equal(await audit(world, ids), BANKS * OPENING);
        await Promise.all(clerks);
        assert.equal(await audit(world, ids), BANKS * OPENING);
      }
      for (const id of ids) {
        const { resource } = await world.repositories.catalogs.requireById(id);
        assert.ok(Number(resource.properties['n']) >= 0, 'nobody was overdrawn');
      }
      assert.ok(refused < TRANSFERS);
      t.diagnostic(`${backend}: ${TRANSFERS} transfers, ${refused} of them refused, ${2 * ROUNDS} audits`);
      await checkStore(fixture.storage, { atRest: true });
    });
  });

function increment(properties: Record<string, string>): void {
  properties['n'] = String(Number(properties['n'] ?? '0') + 1);
}

async function openBanks({ repositories }: LawWorld): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < BANKS; i++) {
    const made = await repositories.catalogs.create(`bank-${i}`, { properties: { n: String(OPENING) } });
    ids.push(made.owner.id);
  }
  return ids;
}

/** False where there is not enough. */
async function transfer(
  { context, catalogs }: LawWorld['repositories'],
  from: string,
  to: string,
  amount: number,
): Promise<boolean> {
  const { result } = await repository.transact(
    context,
    async (transaction) => {
      const [payer, payee] = [await catalogs.requireById(from), await catalogs.requireById(to)];
      const balance = Number(payer.resource.properties['n']);
      if (balance < amount) {
        transaction.unchanged(payer);
        return false;
      }
      for (const [seen, by] of [
        [payer, -amount],
        [payee, amount],
      ] as const) {
        const n = String(Number(seen.resource.properties['n']) + by);
        transaction.replace(repository.catalogKind, seen, { ...seen.resource, properties: { n } });
      }
      return true;
    },
    { attempts: 10_000 },
  );
  return result;
}

/** The sum over all, read at one moment: that nothing of it has changed is proven by a transaction. */
async function audit({ repositories }: LawWorld, ids: readonly string[]): Promise<number> {
  const { context, catalogs } = repositories;
  const { result } = await repository.transact(
    context,
    async (transaction) => {
      let sum = 0;
      for (const id of ids) {
        const seen = await catalogs.requireById(id);
        transaction.unchanged(seen);
        sum += Number(seen.resource.properties['n']);
      }
      return sum;
    },
    { attempts: 10_000 },
  );
  return result;
}
