import type { OwnerRef } from '@floecat/repository';
import { compareUtf8 } from '@floecat/storage-spi';

import type { RecoveryContext } from '../recovery-context.ts';
import type { ListedOwner, OwnerPosition } from './owner-walk.ts';
import { walkOwners } from './owner-walk.ts';
import type { OwnerRead } from './read-owners.ts';
import { readOwners } from './read-owners.ts';

/** Owners whose roots are read in one round trip. */
const OWNERS_AT_A_TIME = 32;
/** Batches that are read ahead of the one that is used. */
const BATCHES_AHEAD = 3;

export interface OwnerCursorConfig {
  /** In the order of their folders. */
  readonly accounts: AsyncIterable<string> | Iterable<string>;
  readonly pageSize: number;
  /** The owner to go on after. */
  readonly after: OwnerPosition | undefined;
  readonly isChosen: (owner: OwnerRef) => boolean;
  /** Called with each owner that was not asked for. */
  readonly onSkipped: (read: OwnerRead) => Promise<void>;
}

/** The chosen owners in the order of their blobs' URIs, read ahead, to be walked in step with the listing of these. */
export class OwnerCursor implements AsyncDisposable {
  readonly #config: OwnerCursorConfig;
  readonly #stream: AsyncGenerator<OwnerRead>;
  #head: OwnerRead | undefined;

  constructor(context: RecoveryContext, config: OwnerCursorConfig) {
    this.#config = config;
    this.#stream = readAhead(context, config);
  }

  /** Goes on to `owner`, which lies behind all that was asked for before. `undefined` where the walk does not find it. */
  async seek(owner: OwnerRef): Promise<OwnerRead | undefined> {
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
    for (let head = await this.#peek(); head; head = await this.#peek()) {
      this.#head = undefined;
      await this.#config.onSkipped(head);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream.return(undefined);
  }

  async #peek(): Promise<OwnerRead | undefined> {
    if (this.#head) return this.#head;
    const result = await this.#stream.next();
    this.#head = result.done ? undefined : result.value;
    return this.#head;
  }
}

async function* readAhead(
  context: RecoveryContext,
  { accounts, pageSize, after, isChosen }: OwnerCursorConfig,
): AsyncGenerator<OwnerRead> {
  const ahead: Promise<OwnerRead[]>[] = [];
  let batch: ListedOwner[] = [];
  const begin = (): void => {
    const reading = readOwners(context, batch);
    // Its error is thrown where it is awaited, which may be never.
    reading.catch(() => undefined);
    ahead.push(reading);
    batch = [];
  };
  for await (const listed of walkOwners(context, accounts, pageSize, after)) {
    if (!isChosen(listed.owner)) continue;
    batch.push(listed);
    if (batch.length < OWNERS_AT_A_TIME) continue;
    begin();
    if (ahead.length > BATCHES_AHEAD) yield* (await ahead.shift()) ?? [];
  }
  begin();
  for (const reading of ahead) yield* await reading;
}
