import { Worker } from 'node:worker_threads';

import {
  StorageCorruptionError,
  StorageFullError,
  StorageMisconfiguredError,
  StorageUnavailableError,
  StorageUnknownOutcomeError,
} from '@floecat/storage-spi';

import type { Health } from './health.ts';
import type { WriteAnswers, WriteRequest } from './write-requests.ts';
import type { StepHook } from './write-steps.ts';
import type {
  WriteFailure,
  WriterCommand,
  WriterReport,
  WriterResult,
  WriterSettings,
} from './writer-protocol.ts';

export interface PointerWriterConfig extends WriterSettings {
  readonly health: Health;
  readonly onStep: StepHook;
}

interface Pending {
  readonly operation: string;
  readonly key: string;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Hands writes to the writer thread, which commits all that wait in one transaction: the event loop never waits for
 * the disk. Answers come once the transaction is flushed. The thread starts with the first write.
 */
export class PointerWriter {
  readonly #config: PointerWriterConfig;
  /** In the order in which they were submitted, which is that of the answers. */
  #pending: Pending[] = [];
  #thread: Worker | undefined;
  #ready = false;
  #queue: WriteRequest[] = [];

  constructor(config: PointerWriterConfig) {
    this.#config = config;
  }

  submit<K extends WriteRequest['kind']>(
    operation: string,
    key: string,
    request: WriteRequest & { readonly kind: K },
  ): Promise<WriteAnswers[K]> {
    this.#config.onStep('commit', key);
    return new Promise<WriteAnswers[K]>((resolve, reject) => {
      this.#pending.push({ operation, key, resolve, reject });
      if (this.#queue.push(request) === 1) setImmediate(() => this.#send());
    });
  }

  /** Waits for the thread to close its environment. Nothing may be pending. */
  async close(): Promise<void> {
    const thread = this.#thread;
    if (!thread) return;
    this.#thread = undefined;
    const exited = new Promise<void>((resolve) => {
      thread.once('exit', () => resolve());
    });
    thread.ref();
    tell(thread, { close: true });
    await exited;
  }

  #send(): void {
    const requests = this.#queue;
    this.#queue = [];
    this.#thread ??= this.#start();
    // A process that waits for nothing else must not end before its writes are answered.
    this.#thread.ref();
    tell(this.#thread, { requests });
  }

  #start(): Worker {
    const { folder, file, flush } = this.#config;
    const entry = import.meta.url.endsWith('.ts')
      ? './pointer-writer-thread.ts'
      : './pointer-writer-thread.js';
    const thread = new Worker(new URL(entry, import.meta.url), {
      workerData: { folder, file, flush } satisfies WriterSettings,
      name: 'floecat-pointers',
      // Messages are short-lived; with the default, a good part of the time went into collecting them.
      resourceLimits: { maxYoungGenerationSizeMb: 64 },
    });
    this.#ready = false;
    thread.on('message', (text: string) => {
      const report = JSON.parse(text) as WriterReport;
      if ('ready' in report) this.#ready = true;
      else this.#settle(report.results);
    });
    thread.on('error', (error) => this.#lost(thread, error));
    thread.on('exit', () => this.#lost(thread, new Error('the writer thread ended')));
    return thread;
  }

  #settle(results: readonly WriterResult[]): void {
    const settled = this.#pending.splice(0, results.length);
    for (const [i, pending] of settled.entries()) {
      const result = results[i];
      if (!result || 'failure' in result) pending.reject(this.#errorOf(result?.failure ?? MUTE, pending));
      else {
        this.#config.onStep('committed', pending.key);
        pending.resolve(result.answer as never);
      }
    }
    if (this.#pending.length === 0) this.#thread?.unref();
  }

  #errorOf(failure: WriteFailure, { operation, key }: Pending): Error {
    const { health, folder } = this.#config;
    const context = { operation, key, cause: new Error(failure.message) };
    switch (failure.kind) {
      case 'damaged':
        return new StorageCorruptionError(`${operation}: ${failure.message}`, {
          operation,
          key: failure.key,
        });
      case 'gone':
        return new StorageMisconfiguredError(
          `${operation}: ${failure.message}; nothing was written. Is the volume mounted, was the folder moved? Open the store again`,
          context,
        );
      case 'full':
        return new StorageFullError(
          `${operation}: no room is left for the pointers in ${folder}; nothing was written, make room`,
          context,
        );
      case 'failed':
        health.poison(context.cause);
        return health.closed({ operation, key });
      case 'unknown':
        health.poison(context.cause);
        return new StorageUnknownOutcomeError(
          `${operation}: the disk failed during the commit (${failure.message}); check the disk, open the store again and read before you repeat it`,
          context,
        );
    }
  }

  /** The thread is gone with what was pending. */
  #lost(thread: Worker, cause: unknown): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    const pending = this.#pending;
    this.#pending = [];
    this.#queue = [];
    if (this.#ready) this.#config.health.poison(cause);
    for (const { operation, key, reject } of pending) {
      const context = { operation, key, cause };
      reject(
        this.#ready
          ? new StorageUnknownOutcomeError(
              `${operation}: the thread that writes pointers ended; open the store again and read before you repeat it`,
              context,
            )
          : new StorageUnavailableError(
              `${operation}: the thread that writes pointers could not start (${String(cause)}); not applied, retry later`,
              context,
            ),
      );
    }
  }
}

const MUTE: WriteFailure = { kind: 'unknown', message: 'the writer thread gave no answer' };

function tell(thread: Worker, command: WriterCommand): void {
  thread.postMessage(JSON.stringify(command));
}
