import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, test } from 'node:test';

import { S3 } from '@aws-sdk/client-s3';
import { buildCatalogServer, openCatalogService, writeSyntheticTable } from '@floecat/catalog';
import { environmentVariable, loadSettings, openStorage } from '@floecat/config';
import type { OpenUpstreamOptions, Settings } from '@floecat/config';
import type { Storage } from '@floecat/storage-spi';

import { FakeClock, seededRandom } from '@floecat/storage-testkit';

import { startOwnEngine } from '../../../../tools/localstack/engine.ts';
import { PythonMissingError } from '../../../../tools/localstack/python-environment.ts';
import { openTestStorage } from '../../../../tools/localstack/test-storage.ts';
import type { RestWorld } from './support.ts';

export type Properties = Readonly<Record<string, string>>;

/** Not the catalog's. */
const REGION = 'eu-central-1';
const IN_MEMORY = { 'floecat.kv': 'memory', 'floecat.blob': 'memory' };

/** Upstream buckets of an endpoint, as someone fills them who has nothing to do with the catalog. */
export class Upstream implements AsyncDisposable {
  readonly endpoint: string;
  readonly s3: S3;

  constructor(endpoint: string) {
    this.endpoint = endpoint;
    this.s3 = new S3({
      endpoint,
      region: REGION,
      credentials: { accessKeyId: 'writer', secretAccessKey: 'writer' },
      forcePathStyle: true,
    });
  }

  async bucket(name = `upstream-${randomBytes(6).toString('hex')}`): Promise<string> {
    await this.s3.createBucket({
      Bucket: name,
      CreateBucketConfiguration: { LocationConstraint: REGION },
    });
    return name;
  }

  /** Every file below `folder`, under its path after `prefix`. */
  async put(bucket: string, prefix: string, folder: string): Promise<void> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const Key = prefix + relative(folder, path);
      await this.s3.putObject({ Bucket: bucket, Key, Body: await readFile(path) });
    }
  }

  /** What points a catalog at these buckets, with a key of its own. */
  properties(locations: string, endpoint = this.endpoint): Properties {
    return {
      'floecat.upstream.s3.locations': locations,
      'floecat.upstream.s3.endpoint': endpoint,
      'floecat.upstream.s3.region': REGION,
      'floecat.upstream.s3.access-key-id': 'upstream-key',
      'floecat.upstream.s3.secret-access-key': 'upstream-secret',
      'floecat.upstream.s3.path-style-access': 'true',
    };
  }

  /** The same, as the environment of a process. */
  environment(locations: string): Record<string, string> {
    const entries = Object.entries(this.properties(locations));
    return Object.fromEntries(entries.map(([name, value]) => [environmentVariable(name), value]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.s3.destroy();
  }
}

export interface UpstreamWorld extends RestWorld {
  readonly settings: Settings;
}

/** These settings, in memory unless they say otherwise. */
export function settingsOf(properties: Properties): Settings {
  const all = { ...IN_MEMORY, ...properties };
  // Secrets are not taken on a command line.
  const env = Object.entries(all).map(([name, value]) => [environmentVariable(name), value] as const);
  return loadSettings({ args: [], env: Object.fromEntries(env), cwd: '/nowhere' });
}

/** A catalog of these settings, on a fresh store unless they say otherwise, with a namespace `tpch`. */
export async function openWorld(
  properties: Properties,
  options: OpenUpstreamOptions & { readonly storage?: Storage } = {},
): Promise<UpstreamWorld> {
  const settings = settingsOf(properties);
  const own = settings.kv.backend === 'memory' ? openTestStorage : () => openStorage(settings);
  const storage = options.storage ?? (await own());
  const service = await openCatalogService(storage, settings, options);
  await service.prepare();
  await service.repositories.namespaces.create('default', ['tpch']);
  const app = buildCatalogServer(service);
  await app.ready();
  return {
    app,
    service,
    storage,
    settings,
    [Symbol.asyncDispose]: async () => {
      await app.close();
      await service[Symbol.asyncDispose]();
      await storage.close();
    },
  };
}

export interface StartedUpstream {
  /** Absent where it is skipped. */
  readonly upstream: Upstream | undefined;
  /** Why, where there is no emulator. */
  readonly skip: string | false;
  readonly upstreamTest: (name: string, body: (upstream: Upstream) => Promise<void>) => void;
}

/** Starts an emulator for the tests of this file, which ends with them. */
export async function startUpstream(): Promise<StartedUpstream> {
  const engine = await startOwnEngine().catch((error: unknown) => {
    if (error instanceof PythonMissingError) return { skip: `no emulator: ${error.message}` };
    throw error;
  });
  const skip = 'skip' in engine ? engine.skip : false;
  const upstream = 'skip' in engine ? undefined : new Upstream(engine.endpoint);
  after(async () => {
    await upstream?.[Symbol.asyncDispose]();
    if (!('skip' in engine)) await engine[Symbol.asyncDispose]();
  });
  const upstreamTest: StartedUpstream['upstreamTest'] = (name, body) => {
    if (!upstream) return void test(name, { skip });
    void test(name, () => body(upstream));
  };
  return { upstream, skip, upstreamTest };
}

/** A table of two snapshots, whose files lie in a bucket of their own, below `prefix`. */
export async function tableIn(
  upstream: Upstream,
  bucket: string,
  prefix: string,
): Promise<{ readonly location: string; readonly metadataLocation: string; readonly files: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'floecat-upstream-'));
  try {
    const { location, metadataLocation } = await writeSyntheticTable({
      folder,
      baseLocation: `s3://${bucket}/${prefix}`,
      snapshots: 2,
      random: seededRandom(7),
      clock: new FakeClock(),
    });
    await upstream.put(bucket, `${prefix}/`, folder);
    const { Contents = [] } = await upstream.s3.listObjectsV2({ Bucket: bucket, Prefix: `${prefix}/` });
    return { location, metadataLocation, files: Contents.map(({ Key = '' }) => Key) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
