import type { BackupReader, BackupTarget, RecoveryContext } from '@floecat/recovery';
import { openBackup } from '@floecat/recovery';
import { openMemoryStorage } from '@floecat/storage-memory';
import type { Pointer, PointerWrite, RandomSource, Storage } from '@floecat/storage-spi';
import { FakeClock, seededRandom } from '@floecat/storage-testkit';

export interface Store extends AsyncDisposable {
  readonly storage: Storage;
  readonly clock: FakeClock;
  readonly context: RecoveryContext;
}

/** An empty store in memory, and what recovery stands on there. */
export function openStore(seed = 5): Store {
  const clock = new FakeClock();
  const random = seededRandom(seed);
  const storage = openMemoryStorage({ clock, random });
  return {
    storage,
    clock,
    context: { storage, clock, random },
    [Symbol.asyncDispose]: () => storage.close(),
  };
}

/** Writes over whatever is at `key`. */
export async function setPointer({ pointers }: Storage, key: string, next: PointerWrite): Promise<Pointer> {
  const result = await pointers.compareAndSet(key, (await pointers.get(key)) ?? 0, next);
  if (!result.applied) throw new Error(`${key} was written by another`);
  return result.pointer;
}

export async function removePointer({ pointers }: Storage, key: string): Promise<void> {
  const current = await pointers.get(key);
  if (current) await pointers.compareAndDelete(key, current);
}

export function value(text: string): PointerWrite {
  return { kind: 'value', value: text };
}

/** Rows as a store of some size has them, without the cost of their writes. */
export function* manyPointers(count: number, random: RandomSource, now: number): Generator<Pointer> {
  for (let i = 0; i < count; i++) {
    const writeId = random.uuid();
    const id = String(i).padStart(9, '0');
    yield {
      key: `/accounts/acme/tables/by-id/${id}`,
      kind: 'blob',
      blobUri: `/accounts/acme/tables/${id}/${random.uuid().replaceAll('-', '').repeat(2)}.pb`,
      state: 'LIVE',
      version: 1,
      writeId,
      incarnation: writeId,
      updatedAt: now,
    };
  }
}

export async function importAll({ pointers }: Storage, rows: Iterable<Pointer>): Promise<void> {
  let part: Pointer[] = [];
  for (const row of rows) {
    part.push(row);
    if (part.length < 1_000) continue;
    await pointers.importPointers(part, 'if-absent');
    part = [];
  }
  if (part.length > 0) await pointers.importPointers(part, 'if-absent');
}

export async function allPointers({ pointers }: Storage, prefix = ''): Promise<Pointer[]> {
  const found: Pointer[] = [];
  let pageToken: string | undefined;
  do {
    const page = await pointers.listPointersByPrefix(prefix, pageToken === undefined ? {} : { pageToken });
    found.push(...page.pointers);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return found;
}

/** All that a backup holds. */
export async function contentOf(target: BackupTarget, id: string): Promise<Pointer[]> {
  return readAll(await openBackup(target, id));
}

export async function readAll(reader: BackupReader, prefix = '', after?: string): Promise<Pointer[]> {
  const found: Pointer[] = [];
  for await (const pointer of reader.pointers(prefix, after)) found.push(pointer);
  return found;
}
