import assert from 'node:assert/strict';

import type { ListOptions, Pointer, PointerPage, PointerStore, PointerWrite } from '@floecat/storage-spi';
import { MAX_BATCH_OPERATIONS } from '@floecat/storage-spi';

import type { ContractCase } from '../contract-case.ts';
import type { Capability, StorageFixture } from '../fixture.ts';

/** What a pointer case works with: the store, and where in it. */
export interface PointerBench {
  readonly store: PointerStore;
  readonly fixture: StorageFixture;
  /** A key of this case. */
  readonly at: (name: string) => string;
}

export function pointerCase(
  name: string,
  body: (bench: PointerBench) => Promise<void>,
  ...needs: readonly Capability[]
): ContractCase {
  return {
    name,
    needs,
    run: (fixture) =>
      body({ store: fixture.storage.pointers, fixture, at: (suffix) => fixture.prefix + suffix }),
  };
}

export function value(
  text: string,
  extra: Partial<Pick<PointerWrite, 'state' | 'expiresAt'>> = {},
): PointerWrite {
  return { kind: 'value', value: text, ...extra };
}

export function blob(
  blobUri: string,
  extra: Partial<Pick<PointerWrite, 'state' | 'expiresAt'>> = {},
): PointerWrite {
  return { kind: 'blob', blobUri, ...extra };
}

/** What a pointer holds, for comparing. */
export function textOf(pointer: Pointer | undefined): string | undefined {
  return pointer?.kind === 'value' ? pointer.value : pointer?.blobUri;
}

/** Creates a pointer that must not exist yet. */
export async function create(
  store: PointerStore,
  key: string,
  next: PointerWrite = value('first'),
): Promise<Pointer> {
  const result = await store.compareAndSet(key, 0, next);
  assert.ok(result.applied, `creating ${JSON.stringify(key)} met a conflict`);
  return result.pointer;
}

/** Replaces a pointer that must be as it was read. */
export async function replace(
  store: PointerStore,
  current: Pointer,
  next: PointerWrite = value('next'),
): Promise<Pointer> {
  const result = await store.compareAndSet(current.key, current, next);
  assert.ok(result.applied, `replacing ${JSON.stringify(current.key)} met a conflict`);
  return result.pointer;
}

export async function remove(store: PointerStore, current: Pointer): Promise<void> {
  const result = await store.compareAndDelete(current.key, current);
  assert.ok(result.applied, `deleting ${JSON.stringify(current.key)} met a conflict`);
}

/** Creates many pointers, a full batch at a time. */
export async function fill(
  store: PointerStore,
  keys: readonly string[],
  next: (key: string) => PointerWrite = value,
  perBatch: number = MAX_BATCH_OPERATIONS,
): Promise<void> {
  for (let i = 0; i < keys.length; i += perBatch) {
    const operations = keys
      .slice(i, i + perBatch)
      .map((key) => ({ op: 'upsert', key, expected: 0, next: next(key) }) as const);
    const result = await store.compareAndSetBatch(operations);
    assert.ok(result.applied, 'filling met a conflict');
  }
}

/** `count` keys whose order is that of their numbers. */
export function numbered(at: (name: string) => string, stem: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => at(`${stem}${String(i).padStart(6, '0')}`));
}

/** Options that go on after `page`, which must have more. */
export function pageOf(page: { readonly nextPageToken?: string }): { readonly pageToken: string } {
  assert.ok(page.nextPageToken !== undefined, 'the page has no token');
  return { pageToken: page.nextPageToken };
}

/** The pages of a listing, at most `maxPages` of them: a walk that never ends is a failure too. */
export async function* pages(
  store: PointerStore,
  prefix: string,
  options: ListOptions = {},
  maxPages = 5_000,
): AsyncGenerator<PointerPage> {
  let pageToken = options.pageToken;
  for (let page = 0; page < maxPages; page++) {
    const answer = await store.listPointersByPrefix(prefix, {
      ...options,
      ...(pageToken !== undefined && { pageToken }),
    });
    yield answer;
    if (answer.nextPageToken === undefined) return;
    pageToken = answer.nextPageToken;
  }
  assert.fail(`the listing of ${JSON.stringify(prefix)} did not end after ${maxPages} pages`);
}

/** Every pointer of a listing. */
export async function walk(
  store: PointerStore,
  prefix: string,
  options?: ListOptions,
): Promise<readonly Pointer[]> {
  const found: Pointer[] = [];
  for await (const page of pages(store, prefix, options)) found.push(...page.pointers);
  return found;
}

export async function walkKeys(
  store: PointerStore,
  prefix: string,
  options?: ListOptions,
): Promise<readonly string[]> {
  return (await walk(store, prefix, options)).map((pointer) => pointer.key);
}

/** The store still holds exactly `pointer`. */
export async function unchanged(store: PointerStore, pointer: Pointer): Promise<void> {
  assert.deepEqual(await store.get(pointer.key), pointer, 'the row has changed');
}

/** Two clients of the store where it can have two, else one twice. */
export async function clientsOf(fixture: StorageFixture): Promise<readonly [PointerStore, PointerStore]> {
  const first = fixture.storage.pointers;
  return [first, fixture.capabilities.secondClient ? (await fixture.openSecond()).pointers : first];
}
