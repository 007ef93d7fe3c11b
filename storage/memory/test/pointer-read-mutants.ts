import { MemoryPointerStore } from '@floecat/storage-memory';
import type {
  BatchOperation,
  BatchResult,
  CasResult,
  Clock,
  DeleteResult,
  Expected,
  ListOptions,
  Pointer,
  PointerPage,
  PointerWrite,
  ReadOptions,
  WriteOptions,
} from '@floecat/storage-spi';
import { MAX_PAGE_SIZE, PageTokens } from '@floecat/storage-spi';

import type { Mutant } from './mutant.ts';

class Utf16Order extends MemoryPointerStore {
  override async listPointersByPrefix(prefix: string, options: ListOptions = {}): Promise<PointerPage> {
    const { pointers, nextPageToken } = await super.listPointersByPrefix(prefix, options);
    const sorted = pointers.toSorted((a, b) => (a.key < b.key ? -1 : 1));
    return nextPageToken === undefined ? { pointers: sorted } : { pointers: sorted, nextPageToken };
  }
}

class TokenSkipsARow extends MemoryPointerStore {
  override async listPointersByPrefix(prefix: string, options: ListOptions = {}): Promise<PointerPage> {
    const { limit = MAX_PAGE_SIZE } = options;
    const page = await super.listPointersByPrefix(prefix, { ...options, limit: limit + 1 });
    const skipped = page.pointers[limit];
    if (!skipped) return page;
    const nextPageToken = await super.pageTokenAfterKey(prefix, skipped.key);
    return { pointers: page.pointers.slice(0, limit), nextPageToken };
  }
}

class TokenRepeatsARow extends MemoryPointerStore {
  override async listPointersByPrefix(prefix: string, options: ListOptions = {}): Promise<PointerPage> {
    const page = await super.listPointersByPrefix(prefix, options);
    const last = page.pointers.at(-2);
    if (page.nextPageToken === undefined || !last) return page;
    return { ...page, nextPageToken: await super.pageTokenAfterKey(prefix, last.key) };
  }
}

class TokenOfAnyPrefix extends MemoryPointerStore {
  readonly #tokens: PageTokens;
  constructor(config: ConstructorParameters<typeof MemoryPointerStore>[0]) {
    super(config);
    this.#tokens = new PageTokens(config.storeId);
  }
  override async pageTokenAfterKey(_prefix: string, key: string): Promise<string> {
    return this.#tokens.encode('pointers', '', key);
  }
  override async listPointersByPrefix(prefix: string, options: ListOptions = {}): Promise<PointerPage> {
    const { pageToken, ...rest } = options;
    const after = pageToken === undefined ? undefined : this.#tokens.decode('pointers', '', pageToken);
    const from = after === undefined ? {} : { pageToken: await super.pageTokenAfterKey(prefix, after) };
    const { pointers, nextPageToken } = await super.listPointersByPrefix(prefix, { ...rest, ...from });
    const last = pointers.at(-1);
    if (nextPageToken === undefined || !last) return { pointers };
    return { pointers, nextPageToken: this.#tokens.encode('pointers', '', last.key) };
  }
}

class PageOfOneTooMany extends MemoryPointerStore {
  override listPointersByPrefix(prefix: string, options: ListOptions = {}): Promise<PointerPage> {
    return super.listPointersByPrefix(prefix, { ...options, limit: (options.limit ?? MAX_PAGE_SIZE) + 1 });
  }
}

class ListingMissesTheLastWrite extends MemoryPointerStore {
  #last = '';
  override async compareAndSet(...args: Parameters<MemoryPointerStore['compareAndSet']>): Promise<CasResult> {
    this.#last = args[0];
    return super.compareAndSet(...args);
  }
  override async listPointersByPrefix(prefix: string, options?: ListOptions): Promise<PointerPage> {
    const page = await super.listPointersByPrefix(prefix, options);
    const missed = this.#last;
    this.#last = '';
    return { ...page, pointers: page.pointers.filter((row) => row.key !== missed) };
  }
}

class SiblingsListed extends MemoryPointerStore {
  override countByPrefix(prefix: string, options?: ReadOptions): Promise<number> {
    return super.countByPrefix(withoutSlash(prefix), options);
  }
}

class SiblingsDeleted extends MemoryPointerStore {
  override deleteByPrefix(prefix: string): Promise<{ deleted: number; skipped: number }> {
    return super.deleteByPrefix(withoutSlash(prefix));
  }
}

function withoutSlash(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
}

class CountSeesExpired extends MemoryPointerStore {
  override countByPrefix(prefix: string): Promise<number> {
    return super.countByPrefix(prefix, { includeExpired: true });
  }
}

class GetBatchSeesExpired extends MemoryPointerStore {
  override getBatch(keys: readonly string[]): Promise<readonly (Pointer | undefined)[]> {
    return super.getBatch(keys, { includeExpired: true });
  }
}

class DeleteSeesExpired extends MemoryPointerStore {
  override compareAndDelete(key: string, expected: Expected): Promise<DeleteResult> {
    return super.compareAndDelete(key, expected, { includeExpired: true });
  }
}

class CreateBlockedByExpired extends MemoryPointerStore {
  override async compareAndSet(
    key: string,
    expected: Expected,
    next: PointerWrite,
    options?: WriteOptions,
  ): Promise<CasResult> {
    if (expected === 0 && (await super.get(key, { includeExpired: true })))
      return { applied: false, current: undefined };
    return super.compareAndSet(key, expected, next, options);
  }
}

class CheckAbsentSeesExpired extends MemoryPointerStore {
  override async compareAndSetBatch(
    operations: readonly BatchOperation[],
    options?: WriteOptions,
  ): Promise<BatchResult> {
    const rows = await super.getBatch(
      operations.map(({ key }) => key),
      { includeExpired: true },
    );
    const outcomes = operations.map((operation, i) =>
      operation.op === 'check-absent' && rows[i]
        ? { ok: false as const, current: undefined }
        : { ok: true as const },
    );
    if (outcomes.some(({ ok }) => !ok)) return { applied: false, outcomes };
    return super.compareAndSetBatch(operations, options);
  }
}

class LateClock implements Clock {
  readonly #clock: Clock;
  constructor(clock: Clock) {
    this.#clock = clock;
  }
  now(): number {
    return this.#clock.now() - 1;
  }
  monotonic(): number {
    return this.#clock.monotonic();
  }
  sleep(milliseconds: number): Promise<void> {
    return this.#clock.sleep(milliseconds);
  }
}

/** Keys changed on the way in: what is stored under one key answers for others too. */
function withKeys(change: (key: string) => string): NonNullable<Mutant['pointers']> {
  return (config) =>
    new (class extends MemoryPointerStore {
      override async get(key: string, options?: ReadOptions): Promise<Pointer | undefined> {
        return super.get(change(key), options);
      }
      override compareAndSet(
        key: string,
        expected: Expected,
        next: PointerWrite,
        options?: WriteOptions,
      ): Promise<CasResult> {
        return super.compareAndSet(change(key), expected, next, options);
      }
    })(config);
}

/** Bugs of reading: listings, expiry, keys. */
export const pointerReadMutants: readonly Mutant[] = [
  { bug: 'order is that of UTF-16', law: '[31]', pointers: (c) => new Utf16Order(c) },
  { bug: 'a token skips a row', law: '[38]', pointers: (c) => new TokenSkipsARow(c) },
  { bug: 'a token skips a row', law: '[47]', pointers: (c) => new TokenSkipsARow(c) },
  { bug: 'a token repeats a row', law: '[39]', pointers: (c) => new TokenRepeatsARow(c) },
  { bug: 'a token is not bound to its prefix', law: '[44]', pointers: (c) => new TokenOfAnyPrefix(c) },
  { bug: 'a page is one longer than asked', law: '[38]', pointers: (c) => new PageOfOneTooMany(c) },
  { bug: 'a listing misses the last write', law: '[50]', pointers: (c) => new ListingMissesTheLastWrite(c) },
  { bug: 'a count takes in siblings', law: '[34]', pointers: (c) => new SiblingsListed(c) },
  { bug: 'a delete by prefix takes siblings', law: '[34]', pointers: (c) => new SiblingsDeleted(c) },
  { bug: 'a delete by prefix takes siblings', law: '[51]', pointers: (c) => new SiblingsDeleted(c) },
  { bug: 'a count sees expired rows', law: '[64]', pointers: (c) => new CountSeesExpired(c) },
  { bug: 'getBatch sees expired rows', law: '[64]', pointers: (c) => new GetBatchSeesExpired(c) },
  { bug: 'a delete sees expired rows', law: '[64]', pointers: (c) => new DeleteSeesExpired(c) },
  { bug: 'an expired row blocks a create', law: '[68]', pointers: (c) => new CreateBlockedByExpired(c) },
  { bug: 'an expired row blocks check-absent', law: '[58]', pointers: (c) => new CheckAbsentSeesExpired(c) },
  {
    bug: 'a row expires a millisecond late',
    law: '[66]',
    pointers: ({ clock, ...c }) => new MemoryPointerStore({ ...c, clock: new LateClock(clock) }),
  },
  { bug: 'keys are normalised', law: '[29]', pointers: withKeys((key) => key.normalize('NFC')) },
  { bug: 'keys are folded to lower case', law: '[30]', pointers: withKeys((key) => key.toLowerCase()) },
  { bug: 'keys are decoded', law: '[25]', pointers: withKeys((key) => key.replaceAll('%2F', '/')) },
  { bug: 'a trailing slash is dropped', law: '[23]', pointers: withKeys(withoutSlash) },
  { bug: 'doubled slashes are merged', law: '[23]', pointers: withKeys((key) => key.replace(/\/+/g, '/')) },
  { bug: 'a NUL ends the key', law: '[27]', pointers: withKeys((key) => key.split('\0')[0] ?? '') },
];
