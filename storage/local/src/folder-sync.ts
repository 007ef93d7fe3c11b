import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { isMissing } from './file-errors.ts';
import type { Health } from './health.ts';
import type { StepHook } from './write-steps.ts';

const MAX_KNOWN = 10_000;

export interface FolderSyncConfig {
  readonly root: string;
  readonly flush: boolean;
  readonly health: Health;
  readonly onStep: StepHook;
}

interface Running {
  readonly flush: Promise<string | undefined>;
  next: Promise<string | undefined> | undefined;
}

/**
 * Flushes folders. A folder's own name is durable once its parent was flushed, so a flush goes up until it meets a
 * folder whose name this process has flushed before. Callers that want the same folder share one flush, which begins
 * after they came.
 */
export class FolderSync {
  readonly #config: FolderSyncConfig;
  /** Folders whose names are durable, with their identity: one that was made again has another. */
  readonly #known = new Map<string, string>();
  readonly #running = new Map<string, Running>();

  constructor(config: FolderSyncConfig) {
    this.#config = config;
  }

  /** Makes the entries of `folder`, and the names of it and of all above it, durable. */
  async sync(folder: string): Promise<void> {
    if (!this.#config.flush) return;
    const flushed: [string, string][] = [];
    for (let at = folder; ; at = dirname(at)) {
      const identity = await this.#flushShared(at);
      if (identity !== undefined) {
        if (identity === this.#known.get(at)) break;
        flushed.push([at, identity]);
      }
      if (at === '.') break;
    }
    for (const [at, identity] of flushed) this.#remember(at, identity);
  }

  #remember(folder: string, identity: string): void {
    this.#known.delete(folder);
    this.#known.set(folder, identity);
    if (this.#known.size <= MAX_KNOWN) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  #flushShared(folder: string): Promise<string | undefined> {
    const running = this.#running.get(folder);
    if (!running) return this.#start(folder);
    const start = (): Promise<string | undefined> => this.#start(folder);
    running.next ??= running.flush.then(start, start);
    return running.next;
  }

  #start(folder: string): Promise<string | undefined> {
    const entry: Running = {
      flush: this.#flush(folder).finally(() => {
        if (entry.next === undefined) this.#running.delete(folder);
      }),
      next: undefined,
    };
    this.#running.set(folder, entry);
    return entry.flush;
  }

  /** Answers the folder's identity, or `undefined` if it is gone: then what was put in was deleted again. */
  async #flush(folder: string): Promise<string | undefined> {
    const { root, health, onStep } = this.#config;
    onStep('folder-sync', folder);
    const handle = await open(join(root, folder), 'r').catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (!handle) return undefined;
    try {
      const { ino, birthtimeNs } = await handle.stat({ bigint: true });
      await handle.sync().catch((error: unknown) => {
        health.poison(error);
        throw error;
      });
      return `${ino}:${birthtimeNs}`;
    } finally {
      await handle.close();
    }
  }
}
