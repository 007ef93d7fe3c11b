import type { OwnerRef } from '@floecat/repository';
import type { Blob, BlobVersionListing } from '@floecat/storage-spi';
import { mapBounded, StorageCorruptionError, StorageNotFoundError } from '@floecat/storage-spi';

import { wholeVersion } from '../blobs/rescue-blob.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import { callOf } from '../recovery-context.ts';
import type { OwnerEvidence, PointerSource } from '../walk/owner-evidence.ts';
import { evidenceOf } from '../walk/walk-owners.ts';
import { rootUriIn } from './root-uri.ts';
import type { Root } from './root.ts';
import { parseRoot } from './root.ts';
import type { OwnerFacts } from './standing.ts';
import { standingsOf } from './standing.ts';
import { TransactionPool } from './transaction-pool.ts';

const PARALLEL_READS = 8;
/** How far a writer's, the table's and the bucket's clock may be apart, all told. */
const CLOCKS_APART_MS = 5 * 60_000;

export interface ReadFactsConfig {
  readonly backup?: PointerSource;
  /** Epoch ms: what was committed before is in the backup. */
  readonly backupStartedAt?: number;
  /** Whether the live row will do for what is older: not where an earlier state is asked for. */
  readonly trustLive: boolean;
}

/** What was found of an owner, with the facts that follow from it. */
export interface Found {
  readonly evidence: OwnerEvidence;
  readonly facts: OwnerFacts;
}

/**
 * Reads of each owner the roots that tell its newest state: those that its rows lead to, and what was put since. Holds
 * what it read for as long as it is primed with it.
 */
export class FactsReader {
  readonly #context: RecoveryContext;
  readonly #config: ReadFactsConfig;
  readonly #pool = new TransactionPool();
  readonly #primed = new Map<string, OwnerEvidence>();
  readonly #held = new Map<string, Promise<Found>>();

  constructor(context: RecoveryContext, config: ReadFactsConfig) {
    this.#context = context;
    this.#config = config;
  }

  /** These are asked for next; all else is forgotten. */
  prime(batch: readonly OwnerEvidence[]): void {
    this.#held.clear();
    this.#primed.clear();
    for (const evidence of batch) this.#primed.set(evidence.owner.key, evidence);
  }

  read(owner: OwnerRef): Promise<Found> {
    const held = this.#held.get(owner.key);
    if (held) return held;
    const reading = this.#find(owner);
    reading.catch(() => undefined);
    this.#held.set(owner.key, reading);
    return reading;
  }

  async #find(owner: OwnerRef): Promise<Found> {
    const evidence =
      this.#primed.get(owner.key) ?? (await evidenceOf(this.#context, owner, this.#config.backup));
    return { evidence, facts: await this.#factsOf(evidence) };
  }

  async #factsOf(evidence: OwnerEvidence): Promise<OwnerFacts> {
    const { owner, backup, live } = evidence;
    const versions = rootVersions(evidence);
    const named = new Set([backup, live].flatMap((row) => (row?.kind === 'blob' ? [row.blobUri] : [])));
    const since = this.#since(evidence);
    const wanted = [...versions].filter(
      ([uri, [newest]]) => named.has(uri) || (newest?.lastModified ?? 0) >= since,
    );
    const unreadable: { uri: string; why: string }[] = [];
    const damaged = new Set<string>();
    const read = async (uri: string, of: readonly BlobVersionListing[]): Promise<Root | undefined> => {
      try {
        const blob = await this.#blob(uri, of, damaged);
        return blob && parseRoot(owner, blob, this.#pool);
      } catch (error) {
        if (!(error instanceof StorageCorruptionError)) throw error;
        unreadable.push({ uri, why: error.message });
        return undefined;
      }
    };
    const found = await mapBounded(wanted, PARALLEL_READS, ([uri, of]) => read(uri, of));
    const roots = found.filter((root) => root !== undefined);
    const rows = { ...(backup && { backup }), ...(live && { live }) };
    const facts = { owner, roots, listed: new Set(versions.keys()), unreadable, damaged, ...rows };
    // What a later root was written over may be older than what was asked for.
    const [{ proven } = {}] = standingsOf(facts);
    const uri = proven && !proven.root ? rootUriIn(owner, proven.digest) : undefined;
    const of = uri !== undefined ? versions.get(uri) : undefined;
    if (uri === undefined || !of || wanted.some(([known]) => known === uri)) return facts;
    const more = await read(uri, of);
    return more ? { ...facts, roots: [...roots, more] } : facts;
  }

  /** Epoch ms by the blob store's clock: what follows on the owner's rows was put after. */
  #since({ backup, live }: OwnerEvidence): number {
    const { backupStartedAt, trustLive } = this.#config;
    // Put at most half a grace before it was committed; and what the walk of the backup may have missed is read too.
    const saved =
      backupStartedAt === undefined
        ? backup?.updatedAt
        : backupStartedAt - this.#context.storage.layout.casGraceMs;
    const known = [saved, trustLive ? live?.updatedAt : undefined].filter((bound) => bound !== undefined);
    return Math.max(Number.NEGATIVE_INFINITY, ...known) - CLOCKS_APART_MS;
  }

  /** The blob as it is now, or, where that is gone or damaged, its newest whole version. */
  async #blob(
    uri: string,
    versions: readonly BlobVersionListing[],
    damaged: Set<string>,
  ): Promise<Blob | undefined> {
    if (versions.some(({ latest }) => latest)) {
      try {
        return await this.#context.storage.blobs.get(uri, callOf(this.#context));
      } catch (error) {
        if (!(error instanceof StorageNotFoundError || error instanceof StorageCorruptionError)) throw error;
      }
    }
    damaged.add(uri);
    const found = await wholeVersion(this.#context, uri, versions);
    if (found) return found;
    throw new StorageCorruptionError(`${uri} is damaged in every version that is left`, {
      operation: 'read root',
      key: uri,
    });
  }
}

/** Roots lie in their owner's own folder, all else below it. */
function rootVersions({ owner, versions }: OwnerEvidence): Map<string, BlobVersionListing[]> {
  const found = new Map<string, BlobVersionListing[]>();
  let last: { readonly uri: string; readonly of: BlobVersionListing[] | undefined } | undefined;
  for (const version of versions) {
    const { uri } = version;
    if (last?.uri !== uri) {
      const of = uri.includes('/', owner.blobPrefix.length) ? undefined : [];
      if (of) found.set(uri, of);
      last = { uri, of };
    }
    last.of?.push(version);
  }
  return found;
}
