import type { Collection, OwnerRef } from '@floecat/repository';
import { COLLECTIONS } from '@floecat/repository';
import { compareUtf8 } from '@floecat/storage-spi';

import type { KeptBackup } from './backups.ts';
import type { GcContext } from './gc-context.ts';
import type { OwnerMark } from './owner-roots.ts';
import { walkOwners } from './owner-walk.ts';

export interface OwnerCursorConfig {
  readonly account: string;
  readonly backups: readonly KeptBackup[];
  readonly pageSize: number;
  /** The owner to go on after. */
  readonly after: { readonly collection: Collection; readonly key: string } | undefined;
  /** Called with each owner that no blob version was found for. */
  readonly onSkipped: (mark: OwnerMark) => Promise<void>;
}

/** All owners of an account, in the order of their blobs, walked in step with the listing of these. */
export class OwnerCursor implements AsyncDisposable {
  readonly #context: GcContext;
  readonly #config: OwnerCursorConfig;
  #collection: number;
  #stream: AsyncGenerator<OwnerMark> | undefined;
  #head: OwnerMark | undefined;
  #passed = 0;

  constructor(context: GcContext, config: OwnerCursorConfig) {
    this.#context = context;
    this.#config = config;
    this.#collection = config.after ? COLLECTIONS.indexOf(config.after.collection) : 0;
  }

  /** How many owners were read. */
  get passed(): number {
    return this.#passed;
  }

  /** Goes on to `owner`, which lies behind all that was asked for before. `undefined` where the walk does not find it. */
  async seek(owner: OwnerRef): Promise<OwnerMark | undefined> {
    const target = COLLECTIONS.indexOf(owner.collection);
    while (this.#collection < target) await this.#skipCollection();
    for (let head = await this.#peek(); head; head = await this.#peek()) {
      const order = compareUtf8(head.owner.blobPrefix, owner.blobPrefix);
      if (order > 0) return undefined;
      this.#head = undefined;
      if (order === 0) return head;
      await this.#config.onSkipped(head);
    }
    return undefined;
  }

  /** Goes on to the end. */
  async drain(): Promise<void> {
    while (this.#collection < COLLECTIONS.length) await this.#skipCollection();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream?.return(undefined);
  }

  async #skipCollection(): Promise<void> {
    for (let head = await this.#peek(); head; head = await this.#peek()) {
      this.#head = undefined;
      await this.#config.onSkipped(head);
    }
    this.#stream = undefined;
    this.#collection++;
  }

  async #peek(): Promise<OwnerMark | undefined> {
    if (this.#head) return this.#head;
    const collection = COLLECTIONS[this.#collection];
    if (!collection) return undefined;
    const { account, backups, pageSize, after } = this.#config;
    this.#stream ??= walkOwners(
      this.#context,
      backups,
      { account, collection, pageSize },
      after?.collection === collection ? after.key : undefined,
    );
    const result = await this.#stream.next();
    if (result.done) return undefined;
    this.#passed++;
    this.#head = result.value;
    return result.value;
  }
}
