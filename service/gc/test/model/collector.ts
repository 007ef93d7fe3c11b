import assert from 'node:assert/strict';

import type { CollectorName, RunReport } from '@floecat/gc';
import { collectOnce, pardon } from '@floecat/gc';
import { collectUnsafely } from '@floecat/gc/testing';
import { leaseKey } from '@floecat/repository';
import type { Pointer, Storage } from '@floecat/storage-spi';
import { StorageNotFoundError } from '@floecat/storage-spi';

import type { Ended } from './ended.ts';
import { attempt } from './ended.ts';
import type { ModelWorld } from './model-world.ts';
import type { CollectorOp } from './plan.ts';
import type { Process } from './process.ts';

/** A process that collects, and in which somebody looks after the store. */
export class Collector {
  readonly process: Process;
  readonly #world: ModelWorld;
  readonly #ops: readonly CollectorOp[];
  #storage: Storage;
  #backups = 0;

  constructor(process: Process, world: ModelWorld, ops: readonly CollectorOp[]) {
    this.process = process;
    this.#world = world;
    this.#ops = ops;
    this.#storage = process.connect(world.storage);
  }

  async run(): Promise<void> {
    for (const op of this.#ops) {
      await this.#do(op);
      this.#world.tally.operations++;
    }
  }

  async #try<T>(work: (signal: AbortSignal) => Promise<T>): Promise<Ended<T>> {
    const ended = await attempt(this.process, work);
    this.process.isReadOnly = false;
    if (ended.as === 'dead') this.#storage = this.process.connect(this.#world.storage);
    return ended;
  }

  #do(op: CollectorOp): Promise<unknown> {
    switch (op.do) {
      case 'collect':
        return this.#collect(op.what, op.breakLease);
      case 'dry-run':
        return this.#dryRun(op.what);
      case 'pardon':
        return this.#pardon(op.nth);
      case 'take-backup':
        return this.#takeBackup();
      case 'end-backup':
        return this.#endBackup();
      case 'wait':
        return this.#try(() => this.process.wait(async () => this.#world.time.pass(op.milliseconds)));
    }
  }

  async #collect(what: CollectorName, breakLease: boolean): Promise<void> {
    const { settings, random, backups, weakness, tally, collecting } = this.#world;
    const { clock } = this.process;
    collecting.begin(this.process);
    const ended = await this.#try(async (signal) => {
      const { system } = this.#storage;
      const held = breakLease ? await system.get(leaseKey(what), { signal }) : undefined;
      if (held) await system.compareAndDelete(held.key, held, { signal });
      const options = { clock, random, only: [what], readBackup: backups.read, signal };
      const { without } = weakness;
      const [result] = await collectUnsafely(this.#storage, settings, { ...options, without });
      return result;
    });
    const wasAlone = collecting.end(this.process);
    if (ended.as !== 'done' || !ended.value?.ran) return;
    const { report } = ended.value;
    tally.runs++;
    if (what === 'cas') tally.deleted += report.counts['deleted'] ?? 0;
    if (wasAlone && !this.process.isDisturbed) assertSucceeded(report);
  }

  async #dryRun(what: CollectorName): Promise<void> {
    const { settings, random, backups } = this.#world;
    const { clock } = this.process;
    this.process.isReadOnly = true;
    const options = { clock, random, only: [what], readBackup: backups.read, dryRun: true };
    await this.#try((signal) => collectOnce(this.#storage, settings, { ...options, signal }));
  }

  /** Of a blob that nothing reaches, which may be condemned or not. */
  async #pardon(nth: number): Promise<void> {
    const { settings, random, backups, storage, oracle } = this.#world;
    let uri: string | undefined;
    const find = async (): Promise<void> => {
      const { versions } = await storage.blobs.listVersions('/accounts/');
      const uris = [...new Set(versions.map((version) => version.uri))].filter(
        (each) => !oracle.isNeeded(each),
      );
      uri = uris[nth % Math.max(1, uris.length)];
    };
    await this.#try(() => this.process.wait(find));
    const what = uri;
    if (what === undefined) return;
    const { clock } = this.process;
    const ended = await this.#try(async (signal) => {
      try {
        return await pardon(this.#storage, settings, what, {
          clock,
          random,
          readBackup: backups.read,
          signal,
        });
      } catch (error) {
        if (error instanceof StorageNotFoundError) return [];
        throw error;
      }
    });
    if (ended.as !== 'done' || this.process.isDisturbed) return;
    if (ended.value.some(({ gone, blobs }) => blobs > 0 && gone === 0)) {
      oracle.keepLonger(what);
      await oracle.blobsDeleted(what);
    }
  }

  async #takeBackup(): Promise<void> {
    const { backups, oracle, collecting } = this.#world;
    const id = `${this.process.name}-${++this.#backups}`;
    const rows: Pointer[] = [];
    collecting.disturb();
    const ended = await this.#try(async (signal) => {
      const walk = async (): Promise<readonly Pointer[]> => {
        let pageToken: string | undefined;
        do {
          const page = await this.#storage.pointers.listPointersByPrefix('', {
            signal,
            limit: 5,
            ...(pageToken && { pageToken }),
          });
          rows.push(...page.pointers);
          pageToken = page.nextPageToken;
        } while (pageToken !== undefined);
        return rows;
      };
      await backups.take(this.#storage, id, walk);
    });
    if (ended.as === 'done') oracle.keepBackup(id, rows);
  }

  async #endBackup(): Promise<void> {
    const { backups, oracle } = this.#world;
    const [id] = oracle.backups;
    if (id === undefined) return;
    oracle.endBackup(id);
    await this.#try(() => backups.end(this.#storage, id));
  }
}

/** Nothing went wrong, so nothing may have failed. */
export function assertSucceeded(report: RunReport): void {
  if (report.outcome !== 'failed') return;
  assert.fail(`nothing went wrong, and ${report.collector} failed: ${JSON.stringify(report.problems)}`);
}
