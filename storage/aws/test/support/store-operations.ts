import { createHash, randomUUID } from 'node:crypto';

import type { BatchOperation, Pointer, PointerWrite, Storage } from '@floecat/storage-spi';

import type { MeasuredOperation } from './measured-operation.ts';

const BLOB_BYTES = 16 * 1024;
const PAGE = 1_000;

/** What the two stores ask of AWS, for pointers of the length that real ones have. */
export function storeOperations({ pointers, blobs }: Storage): readonly MeasuredOperation[] {
  const account = randomUUID();
  const idKey = (): string => `/accounts/${account}/tables/by-id/${randomUUID()}`;
  const nameKey = (): string => `/accounts/${account}/namespaces/${randomUUID()}/tables/by-name/orders`;
  const root = (): PointerWrite => ({ ...blobAt(rootUri()), state: 'LIVE' });
  const rootUri = (digest = sha256(randomUUID())): string =>
    `/accounts/${account}/tables/${randomUUID()}/${digest}.pb`;
  const created = async (key: string, next: PointerWrite): Promise<Pointer> => {
    const result = await pointers.compareAndSet(key, 0, next);
    if (!result.applied) throw new Error(`${key} is taken`);
    return result.pointer;
  };
  const putRoot = (): Promise<unknown> => {
    const bytes = new Uint8Array(BLOB_BYTES);
    return blobs.put(rootUri(sha256(bytes)), bytes, { message: 'floecat.v1.RootBlob' });
  };
  const page = async (count: number): Promise<string> => {
    const prefix = `/accounts/${randomUUID()}/namespaces/${randomUUID()}/tables/by-name/`;
    const rows = Array.from({ length: count }, (_, i) =>
      rowOf(`${prefix}table-${String(i).padStart(6, '0')}`),
    );
    await pointers.importPointers(rows, 'if-absent');
    return prefix;
  };
  /** A table and its name, in a namespace. */
  const family = async (): Promise<{ owner: Pointer; name: Pointer; parent: Pointer }> => ({
    owner: await created(idKey(), root()),
    name: await created(nameKey(), value(randomUUID())),
    parent: await created(`/accounts/${account}/namespaces/by-id/${randomUUID()}`, root()),
  });

  return [
    {
      name: 'get a pointer',
      requests: { GetItem: 1 },
      read: 1,
      prepare: async () => {
        const { key } = await created(idKey(), root());
        return () => pointers.get(key);
      },
    },
    {
      name: 'create a pointer',
      requests: { PutItem: 1 },
      write: 1,
      prepare: async () => () => pointers.compareAndSet(idKey(), 0, root()),
    },
    {
      name: 'update a pointer that was read',
      requests: { PutItem: 1 },
      write: 1,
      prepare: async () => {
        const row = await created(idKey(), root());
        return () => pointers.compareAndSet(row.key, row, root());
      },
    },
    {
      name: 'update a pointer by its version number',
      requests: { GetItem: 1, PutItem: 1 },
      read: 1,
      write: 1,
      prepare: async () => {
        const { key } = await created(idKey(), root());
        return () => pointers.compareAndSet(key, 1, root());
      },
    },
    {
      name: 'update a pointer that has changed since: a conflict, with what is there',
      requests: { PutItem: 1 },
      write: 1,
      prepare: async () => {
        const row = await created(idKey(), root());
        await pointers.compareAndSet(row.key, row, root());
        return () => pointers.compareAndSet(row.key, row, root());
      },
    },
    {
      name: 'delete a pointer that was read',
      requests: { TransactWriteItems: 1 },
      write: 2,
      prepare: async () => {
        const row = await created(idKey(), root());
        return () => pointers.compareAndDelete(row.key, row);
      },
    },
    {
      name: 'update a resource with two new blobs',
      requests: { PutItem: 1, PutObject: 2 },
      write: 1,
      prepare: async () => {
        const row = await created(idKey(), root());
        return async () => {
          await Promise.all([putRoot(), putRoot()]);
          await pointers.compareAndSet(row.key, row, root());
        };
      },
    },
    {
      name: 'load a resource by id',
      requests: { GetItem: 1, GetObject: 1 },
      read: 1,
      prepare: async () => {
        const bytes = new Uint8Array(BLOB_BYTES);
        const uri = rootUri(sha256(bytes));
        await blobs.put(uri, bytes);
        const { key } = await created(idKey(), { ...blobAt(uri), state: 'LIVE' });
        return async () => {
          const row = await pointers.get(key);
          if (row?.kind === 'blob') await blobs.get(row.blobUri);
        };
      },
    },
    {
      name: 'create: root, name, no rival name, parent alive',
      requests: { TransactWriteItems: 1 },
      write: 8,
      prepare: async () => {
        const { parent } = await family();
        return () =>
          pointers.compareAndSetBatch([
            { op: 'upsert', key: idKey(), expected: 0, next: root() },
            { op: 'upsert', key: nameKey(), expected: 0, next: value(randomUUID()) },
            { op: 'check-absent', key: nameKey() },
            alive(parent),
          ]);
      },
    },
    {
      name: 'rename: root, old name, new name, no rival name, parent alive',
      requests: { TransactWriteItems: 1 },
      write: 10,
      prepare: async () => {
        const { owner, name, parent } = await family();
        return () =>
          pointers.compareAndSetBatch([
            { op: 'upsert', key: owner.key, expected: owner, next: root() },
            { op: 'delete', key: name.key, expected: name },
            { op: 'upsert', key: nameKey(), expected: 0, next: value(randomUUID()) },
            { op: 'check-absent', key: nameKey() },
            alive(parent),
          ]);
      },
    },
    {
      name: 'drop: root to tombstone, name',
      requests: { TransactWriteItems: 1 },
      write: 4,
      prepare: async () => {
        const { owner, name } = await family();
        return () =>
          pointers.compareAndSetBatch([
            {
              op: 'upsert',
              key: owner.key,
              expected: owner,
              next: { ...blobAt(rootUri()), state: 'TOMBSTONE' },
            },
            { op: 'delete', key: name.key, expected: name },
          ]);
      },
    },
    {
      name: 'commit 100 tables at once',
      requests: { TransactWriteItems: 1 },
      write: 200,
      prepare: async () => {
        const rows = await Promise.all(Array.from({ length: 100 }, () => created(idKey(), root())));
        return () =>
          pointers.compareAndSetBatch(
            rows.map((row) => ({ op: 'upsert', key: row.key, expected: row, next: root() })),
          );
      },
    },
    {
      name: 'get 100 pointers',
      requests: { BatchGetItem: 1 },
      read: 100,
      prepare: async () => {
        const rows = await Promise.all(Array.from({ length: 100 }, () => created(idKey(), root())));
        return () => pointers.getBatch(rows.map(({ key }) => key));
      },
    },
    {
      name: 'a page of 1,000 of 1,500 pointers',
      requests: { Query: 1 },
      read: 76,
      prepare: async () => {
        const prefix = await page(PAGE + PAGE / 2);
        return () => pointers.listPointersByPrefix(prefix);
      },
    },
    {
      name: 'count 1,000 pointers',
      requests: { Query: 1 },
      read: 75,
      prepare: async () => {
        const prefix = await page(PAGE);
        return () => pointers.countByPrefix(prefix);
      },
    },
    {
      name: 'delete 1,000 pointers by prefix, each as it was listed',
      requests: { Query: 2, TransactWriteItems: 40 },
      read: 76,
      write: 2_000,
      prepare: async () => {
        const prefix = await page(PAGE);
        return () => pointers.deleteByPrefix(prefix);
      },
    },
    {
      name: 'put a blob of 16 KB',
      requests: { PutObject: 1 },
      prepare: async () => putRoot,
    },
    {
      name: 'get a blob of 16 KB',
      requests: { GetObject: 1 },
      prepare: async () => {
        const bytes = new Uint8Array(BLOB_BYTES);
        const uri = rootUri(sha256(bytes));
        await blobs.put(uri, bytes);
        return () => blobs.get(uri);
      },
    },
  ];
}

function alive({ key, incarnation }: Pointer): BatchOperation {
  return { op: 'check-owner', key, incarnation, states: ['LIVE'] };
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function blobAt(blobUri: string): PointerWrite & { readonly kind: 'blob' } {
  return { kind: 'blob', blobUri };
}

function value(text: string): PointerWrite {
  return { kind: 'value', value: text };
}

/** Of a size that is always the same. */
function rowOf(key: string): Pointer {
  const writeId = randomUUID();
  return {
    ...value(randomUUID()),
    key,
    version: 1,
    writeId,
    incarnation: writeId,
    updatedAt: 1_700_000_000_001,
  };
}
