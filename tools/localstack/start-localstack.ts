import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { whoAnswers } from './engine.ts';
import type { LocalstackSettings } from './settings.ts';

const LOCALSTACK = join(import.meta.dirname, 'localstack.ts');

/**
 * Starts LocalStack, as `make localstack-up` does, where nothing answers at its endpoint; one that is up already is used
 * as it is, whoever started it. Throws where another server is there, or it does not start; what it then says has been
 * printed.
 */
export async function startLocalstack(
  { endpoint }: LocalstackSettings,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<void> {
  const found = await whoAnswers(endpoint);
  if (found?.startsWith('an AWS emulator')) return;
  if (found !== undefined)
    throw new Error(`on ${endpoint} answers ${found}; stop it, or give another LOCALSTACK_ENDPOINT`);
  const child = spawn(process.execPath, [LOCALSTACK, 'up'], {
    env: { ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
    signal,
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`LocalStack could not be started on ${endpoint}`);
}
