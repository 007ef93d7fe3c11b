import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { S3Client } from '@aws-sdk/client-s3';

import { whoAnswers } from '../localstack/engine.ts';
import type { LocalstackSettings } from '../localstack/settings.ts';
import { uploadLake } from '../localstack/upload-lake.ts';
import type { Environment } from './run-target.ts';
import { RefusedError } from './run-target.ts';

const LOCALSTACK = join(import.meta.dirname, '..', 'localstack', 'localstack.ts');

/**
 * Starts LocalStack where nothing answers at its endpoint; one that is up already is used as it is, whoever started it.
 * Throws {@link RefusedError} where another server is there.
 */
export async function startLocalstack(
  { endpoint }: LocalstackSettings,
  env: Environment,
  signal: AbortSignal,
): Promise<void> {
  const found = await whoAnswers(endpoint);
  if (found?.startsWith('an AWS emulator')) return;
  if (found !== undefined)
    throw new RefusedError(`on ${endpoint} answers ${found}; stop it, or give another LOCALSTACK_ENDPOINT`);
  const child = spawn(process.execPath, [LOCALSTACK, 'up'], {
    env: { ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
    signal,
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new RefusedError(`LocalStack could not be started on ${endpoint}`);
}

/** Puts the demonstration lake to `location`, unless it is there already. */
export async function putLake(settings: LocalstackSettings, location: string): Promise<void> {
  const { endpoint, region, accessKey, secretKey } = settings;
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  try {
    await uploadLake({ s3, location });
  } finally {
    s3.destroy();
  }
}
