import { clone, create, toBinary } from '@bufbuild/protobuf';
import { ScanBundleSchema, ScanChunkSchema, SnapshotStatisticsSchema } from '@floecat/proto/snapshots';
import type { LoadedCatalog, LoadedNamespace, LoadedTable, Repositories } from '@floecat/repository';
import {
  BlobWriter,
  catalogKind,
  discardStagedTable,
  namespacePathKey,
  openRepositories,
  payloadUri,
  repositoryContext,
  snapshotOwner,
  transact,
} from '@floecat/repository';
import type { BatchOperation, CallOptions, Pointer, Storage } from '@floecat/storage-spi';
import { joinKey, RetryBudget } from '@floecat/storage-spi';

import { NEW_TABLE } from '../support/world.ts';
import type { Ended } from './ended.ts';
import { attempt } from './ended.ts';
import type { ModelWorld } from './model-world.ts';
import { BANKS, LAKE } from './model-world.ts';
import type { Account, ClientOp, Place, ProcessPlan } from './plan.ts';
import type { Process } from './process.ts';
import { checkListing, Reading } from './reading.ts';
import { skippingPuts } from './skipping-puts.ts';

type Of<D extends ClientOp['do']> = Extract<ClientOp, { readonly do: D }>;
interface Staged {
  readonly account: Account;
  readonly namespace: LoadedNamespace;
  readonly table: LoadedTable;
}

/** A process that serves clients: does its operations one after another, and holds each answer against the oracle. */
export class Client {
  readonly process: Process;
  readonly #world: ModelWorld;
  readonly #plan: Extract<ProcessPlan, { readonly as: 'client' }>;
  readonly #repositories = new Map<Account, Repositories>();
  #storage: Storage;
  #staged: Staged | undefined;
  #marks = 0;

  constructor(process: Process, world: ModelWorld, plan: Extract<ProcessPlan, { readonly as: 'client' }>) {
    this.process = process;
    this.#world = world;
    this.#plan = plan;
    this.#storage = this.#connect();
  }

  async run(): Promise<void> {
    for (const op of this.#plan.ops) {
      await this.#do(op);
      this.#world.tally.operations++;
    }
  }

  #connect(): Storage {
    const storage = this.process.connect(this.#world.storage);
    return this.#world.skipsPuts ? skippingPuts(storage) : storage;
  }

  #restart(): void {
    this.#repositories.clear();
    this.#staged = undefined;
    this.#storage = this.#connect();
  }

  #of(account: Account): Repositories {
    const known = this.#repositories.get(account);
    if (known) return known;
    const repositories = openRepositories(
      repositoryContext(this.#storage, account, {
        clock: this.process.clock,
        random: this.#world.random,
        cache: this.#plan.caching ? {} : { blobBytes: 0 },
        budget: new RetryBudget(),
      }),
    );
    this.#repositories.set(account, repositories);
    return repositories;
  }

  async #try<T>(work: (signal: AbortSignal) => Promise<T>): Promise<Ended<T>> {
    const ended = await attempt(this.process, work);
    if (ended.as === 'dead') this.#restart();
    return ended;
  }

  /** One write that leaves a mark, in one commit. */
  async #write<T extends { readonly pointer: Pointer }>(
    mark: string,
    work: (call: CallOptions) => Promise<T>,
  ): Promise<T | undefined> {
    const { ledger } = this.#world;
    const ended = await this.#try((signal) => work({ signal }));
    if (ended.as === 'refused') ledger.refused(mark);
    if (ended.as !== 'done') return undefined;
    ledger.acknowledged(mark);
    ledger.told(ended.value.pointer);
    this.#world.tally.acknowledged++;
    return ended.value;
  }

  #mark(text?: string): string {
    const mark = `${this.process.name}#${++this.#marks}`;
    this.#world.ledger.intend(mark, text === undefined ? {} : { text });
    return mark;
  }

  #do(op: ClientOp): Promise<unknown> {
    switch (op.do) {
      case 'create-table':
        return this.#createTable(op);
      case 'publish':
      case 'touch':
      case 'discard':
        return this.#goOn(op.do);
      case 'set-metadata':
        return this.#setMetadata(op);
      case 'rename':
        return this.#rename(op);
      case 'drop':
        return this.#drop(op);
      case 'create-view':
        return this.#createView(op);
      case 'add-snapshot':
        return this.#addSnapshot(op);
      case 'create-namespace':
        return this.#createNamespace(op);
      case 'rename-namespace':
        return this.#renameNamespace(op);
      case 'drop-namespace':
        return this.#try((signal) =>
          this.#of(op.account).namespaces.dropAt(LAKE, op.levels, { recursive: op.recursive, signal }),
        );
      case 'ensure-account':
        return this.#try(async (signal) => {
          const { accounts, catalogs } = this.#of('beta');
          await accounts.ensure('beta', { signal });
          await catalogs.ensure(LAKE, { signal });
        });
      case 'drop-account':
        return this.#try((signal) => this.#of('beta').accounts.drop('beta', { recursive: true, signal }));
      case 'transfer':
        return this.#transfer(op);
      case 'read':
        return this.#read(op);
      case 'list':
        return this.#list(op);
      case 'orphan-name':
        return this.#orphanName(op.levels);
      case 'restart':
        this.process.die();
        this.#restart();
        return Promise.resolve();
    }
  }

  async #createTable({ at, text, end }: Of<'create-table'>): Promise<void> {
    const { account, levels, name } = at;
    const { namespaces, tables } = this.#of(account);
    const mark = this.#mark(text);
    const found = await this.#try((signal) => namespaces.require(LAKE, levels, { signal }));
    if (found.as !== 'done') return;
    const namespace = found.value;
    const table = await this.#write(mark, (call) =>
      tables.stage(namespace, name, { ...NEW_TABLE, location: mark, metadata: Buffer.from(text) }, call),
    );
    if (!table) return;
    this.#staged = { account, namespace, table };
    if (end === 'snapshot') await this.#snapshot(account, table, 0, text);
    if (end !== 'leave') await this.#goOn('publish');
  }

  /** Goes on with what it staged last. */
  async #goOn(how: 'publish' | 'touch' | 'discard'): Promise<void> {
    const staged = this.#staged;
    if (!staged) return;
    const { account, namespace, table } = staged;
    const { context, tables } = this.#of(account);
    if (how === 'discard') {
      this.#staged = undefined;
      await this.#try((signal) => discardStagedTable(context, table, { signal }));
      return;
    }
    const done = await this.#try((signal) =>
      how === 'publish' ? tables.publish(namespace, table, { signal }) : tables.touch(table, { signal }),
    );
    if (done.as !== 'done') return;
    this.#world.ledger.told(done.value.pointer);
    this.#staged = how === 'publish' ? undefined : { ...staged, table: done.value };
  }

  #setMetadata({ of, at, text }: Of<'set-metadata'>): Promise<unknown> {
    const { tables, views } = this.#of(at.account);
    const mark = this.#mark(text);
    const bytes = Buffer.from(text);
    const fields = { location: mark };
    const path = [LAKE, at.levels, at.name] as const;
    return this.#write<{ readonly pointer: Pointer }>(mark, (call) =>
      of === 'table'
        ? tables.replaceMetadata(() => tables.require(...path, call), bytes, fields, call)
        : views.replaceMetadata(() => views.require(...path, call), bytes, fields, call),
    );
  }

  async #rename({ of, at, to }: Of<'rename'>): Promise<void> {
    const { namespaces, tables, views } = this.#of(at.account);
    const found = await this.#try((signal) => namespaces.require(LAKE, to.levels, { signal }));
    if (found.as !== 'done') return;
    const { id: namespaceId, catalogId } = found.value.resource;
    const mark = this.#mark();
    const fields = { name: to.name, namespaceId, catalogId, location: mark };
    const change = (resource: object): void => void Object.assign(resource, fields);
    const path = [LAKE, at.levels, at.name] as const;
    await this.#write<{ readonly pointer: Pointer }>(mark, (call) =>
      of === 'table'
        ? tables.update(() => tables.require(...path, call), change, call)
        : views.update(() => views.require(...path, call), change, call),
    );
  }

  async #drop({ of, at }: Of<'drop'>): Promise<void> {
    const { tables, views } = this.#of(at.account);
    const path = [LAKE, at.levels, at.name] as const;
    let key = '';
    const dropped = await this.#try(async (signal) => {
      const call = { signal };
      const seen = await (of === 'table' ? tables.require(...path, call) : views.require(...path, call));
      ({ key } = seen.owner);
      return of === 'table' ? tables.drop(seen.owner.id, call) : views.drop(seen.owner.id, call);
    });
    if (dropped.as === 'done') this.#world.oracle.expectDropped(key);
  }

  async #createView({ at, text }: Of<'create-view'>): Promise<void> {
    const { namespaces, views } = this.#of(at.account);
    const mark = this.#mark(text);
    const found = await this.#try((signal) => namespaces.require(LAKE, at.levels, { signal }));
    if (found.as !== 'done') return;
    const view = { viewUuid: mark, location: mark, metadata: Buffer.from(text) };
    await this.#write(mark, (call) => views.create(found.value, at.name, view, call));
  }

  async #addSnapshot({ at, id, text }: Of<'add-snapshot'>): Promise<void> {
    const { tables } = this.#of(at.account);
    const found = await this.#try((signal) => tables.require(LAKE, at.levels, at.name, { signal }));
    if (found.as === 'done') await this.#snapshot(at.account, found.value, id, text);
  }

  #snapshot(account: Account, table: LoadedTable, id: number, text: string): Promise<unknown> {
    const { context, snapshots } = this.#of(account);
    const tableId = table.owner.id;
    const snapshotId = BigInt(id);
    const owner = snapshotOwner(account, tableId, snapshotId, 'scan-bundle');
    const bytes = toBinary(ScanChunkSchema, create(ScanChunkSchema, { files: [{ filePath: text }] }));
    const uri = payloadUri(owner, 'chunks', bytes);
    const chunks = [{ uri, size: BigInt(bytes.length), fileCount: 1n }];
    return this.#try(async (signal) => {
      const writer = new BlobWriter(context);
      await writer.put({ uri, bytes, message: ScanChunkSchema.typeName }, { keep: true, signal });
      const statistics = create(SnapshotStatisticsSchema, { tableId, snapshotId });
      const bundle = create(ScanBundleSchema, { tableId, snapshotId, chunks });
      await snapshots.createAll(table, [{ snapshotId, statistics, bundle, writer }], { signal });
    });
  }

  #createNamespace({ account, levels }: Of<'create-namespace'>): Promise<unknown> {
    const mark = this.#mark();
    return this.#write(mark, (call) =>
      this.#of(account).namespaces.create(LAKE, levels, { ...call, properties: { mark } }),
    );
  }

  async #renameNamespace({ account, levels, to }: Of<'rename-namespace'>): Promise<void> {
    if (levels.every((level, i) => to[i] === level)) return;
    const { namespaces } = this.#of(account);
    const renamed = await this.#try(async (signal) =>
      namespaces.rename(await namespaces.require(LAKE, levels, { signal }), to, { signal }),
    );
    if (renamed.as === 'done') this.#world.ledger.told(renamed.value.pointer);
  }

  async #transfer({ from, amount, record }: Of<'transfer'>): Promise<void> {
    const { context, catalogs } = this.#of('acme');
    const { banks, ledger, time } = this.#world;
    const mark = `${this.process.name}#${++this.#marks}`;
    const gains = banks.map((key, i): [string, number] => [key, i === from ? -amount : amount]);
    ledger.intend(mark, { gains: new Map(gains) });
    const row: BatchOperation = {
      op: 'upsert',
      key: joinKey('accounts', 'acme', 'idempotency', mark),
      expected: 0,
      next: { kind: 'value', value: mark, expiresAt: Math.ceil(time.wall / 1000) + 900 },
    };
    const ended = await this.#try((signal) =>
      transact(
        context,
        async (transaction, call) => {
          for (const [i, name] of BANKS.entries()) {
            const seen: LoadedCatalog = await catalogs.require(name, call);
            const next = clone(catalogKind.schema, seen.resource);
            const gain = i === from ? -amount : amount;
            next.properties['balance'] = String(Number(next.properties['balance']) + gain);
            next.properties['mark'] = mark;
            transaction.replace(catalogKind, seen, next);
          }
          if (record) transaction.also(row);
        },
        { signal },
      ),
    );
    if (ended.as === 'refused') ledger.refused(mark);
    if (ended.as !== 'done') return;
    ledger.acknowledged(mark);
    for (const { pointer } of ended.value.committed) ledger.told(pointer);
    this.#world.tally.acknowledged++;
  }

  async #read({ of, at }: { readonly of: 'table' | 'view'; readonly at: Place }): Promise<void> {
    const { tables, views } = this.#of(at.account);
    const path = [LAKE, at.levels, at.name] as const;
    const reading = new Reading(this.#world, of, at);
    const ended = await this.#try(async (signal) => {
      const call = { signal };
      if (of === 'table') {
        const loaded = await tables.get(...path, call);
        return loaded && { loaded, text: await tables.metadata(loaded, call) };
      }
      const loaded = await views.get(...path, call);
      return loaded && { loaded, text: await views.metadata(loaded, call) };
    });
    if (ended.as === 'done') reading.check(ended.value?.loaded, ended.value?.text);
    else if (ended.as === 'refused' && !this.process.isDisturbed) reading.checkRefused();
  }

  async #list({ account, levels }: Of<'list'>): Promise<void> {
    const { tables, namespaces } = this.#of(account);
    const ended = await this.#try(async (signal) => ({
      tables: await tables.list(LAKE, levels, { signal }),
      namespaces: await namespaces.list(LAKE, levels, { signal }),
    }));
    if (ended.as !== 'done') return;
    checkListing(this.#world, ended.value.tables);
    checkListing(this.#world, ended.value.namespaces);
  }

  #orphanName(levels: readonly string[]): Promise<unknown> {
    const { random, oracle, lake } = this.#world;
    const writeId = random.uuid();
    oracle.expectOrphan(writeId);
    const key = namespacePathKey('acme', lake, levels);
    const next = { kind: 'value', value: 'nobody' } as const;
    return this.#try(async (signal) =>
      this.#storage.pointers.compareAndSet(key, 0, next, { writeId, signal }),
    );
  }
}
