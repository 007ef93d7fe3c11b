import type { Writable } from 'node:stream';

import type { Settings } from '@floecat/config';
import type { Storage } from '@floecat/storage-spi';
import { StorageMisconfiguredError } from '@floecat/storage-spi';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';

import type { CatalogService } from './catalog-service.ts';
import { openCatalogService } from './open-catalog-service.ts';
import { buildCatalogServer } from './rest/catalog-server.ts';
import { seedDemoLake } from './seed.ts';
import type { MetricsPage } from './service-telemetry.ts';

export interface RunOptions {
  /** Stops the service: what is under way is finished, nothing new is taken. */
  readonly signal: AbortSignal;
  /** Where log lines go, as JSON. */
  readonly log: Writable;
  /** Told of what takes long before the service answers. */
  readonly onProgress?: (text: string) => void;
  /** Served as `GET /metrics`. */
  readonly metrics?: MetricsPage;
  /** Works beside the service until the signal is given, and logs as the service does: the collectors, for one. */
  readonly background?: (work: BackgroundWork) => Promise<void>;
}

export interface BackgroundWork {
  readonly signal: AbortSignal;
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn' | 'error'>;
}

export interface RunningCatalog extends AsyncDisposable {
  readonly url: string;
  /** Resolves once the signal was given and the service has stopped. */
  readonly stopped: Promise<void>;
}

/** Prepares the catalog, seeds it where it is empty, and serves it. */
export async function runCatalog(
  storage: Storage,
  settings: Settings,
  options: RunOptions,
): Promise<RunningCatalog> {
  const service = await openCatalogService(storage, settings);
  try {
    return await serve(service, settings, options);
  } catch (error) {
    await service[Symbol.asyncDispose]();
    throw error;
  }
}

/** Closes the service when it is stopped; not where the start fails. */
async function serve(
  service: CatalogService,
  settings: Settings,
  options: RunOptions,
): Promise<RunningCatalog> {
  const { signal, log, onProgress, metrics, background } = options;
  await service.prepare({ signal });
  if (settings.identity.seedEnabled) {
    const tables = await seedDemoLake(service, settings, { signal });
    if (tables.length > 0) onProgress?.(`registered the demonstration lake: ${tables.join(', ')}`);
  }
  const app = buildCatalogServer(service, { logger: { level: settings.log.level, stream: log } }, metrics);
  const url = await listen(app, settings);
  const stopping = new AbortController();
  const both = AbortSignal.any([signal, stopping.signal]);
  const working = runBackground(background, both, app);

  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    stopping.abort();
    closed ??= Promise.all([app.close(), working]).then(() => service[Symbol.asyncDispose]());
    return closed;
  };
  const stopped = new Promise<void>((resolve, reject) => {
    const stop = (): void => void close().then(resolve, reject);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  return { url, stopped, [Symbol.asyncDispose]: close };
}

async function listen(app: FastifyInstance, { http }: Settings): Promise<string> {
  try {
    return await app.listen({ host: http.host, port: http.port });
  } catch (cause) {
    await app.close();
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === 'EADDRINUSE'
        ? 'the port is in use: stop what uses it, or set floecat.http.port'
        : 'set floecat.http.host and floecat.http.port to an address of this machine that may be used';
    throw new StorageMisconfiguredError(`cannot listen on ${http.host}:${http.port}: ${why}`, {
      operation: 'listen',
      cause,
    });
  }
}

/** Runs what works beside the service. What it throws is told; the service goes on. */
async function runBackground(
  background: RunOptions['background'],
  signal: AbortSignal,
  { log }: FastifyInstance,
): Promise<void> {
  try {
    await background?.({ signal, log });
  } catch (error) {
    if (!signal.aborted)
      log.error(error, 'the work in the background ended; restart the service to resume it');
  }
}
