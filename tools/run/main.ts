// Serves the catalog for development: `main.ts run-<upstream>-<catalog>`, each of them localstack or aws.
import { join } from 'node:path';

import { ConfigError, explainSettings } from '@floecat/config';

import { startLocalstack } from '../localstack/start-localstack.ts';
import { describeTarget } from './describe-target.ts';
import { serveFromSources } from './dev-server.ts';
import { putLake } from './put-lake.ts';
import type { RunTarget } from './run-target.ts';
import { readTarget, RefusedError } from './run-target.ts';
import { seedLocation, serverEnvironment } from './server-environment.ts';

const ROOT = join(import.meta.dirname, '..', '..');

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
const note = (line: string): boolean => process.stdout.write(line + '\n');

async function run(name: string): Promise<number> {
  const { env } = process;
  const cwd = process.cwd();
  const target = readTarget(name, env);
  const serverEnv = serverEnvironment(target, env, cwd);
  const { properties } = explainSettings({ args: [], env: serverEnv, cwd });
  const property = (wanted: string): string => properties.find((one) => one.name === wanted)?.value ?? '';
  note(describeTarget(target, env, property));
  await prepare(target);
  return serveFromSources({ root: ROOT, env: serverEnv, signal: stop.signal, note });
}

async function prepare({ localstack, upstream }: RunTarget): Promise<void> {
  if (!localstack) return;
  await startLocalstack(localstack, process.env, stop.signal);
  note(`LocalStack is up on ${localstack.endpoint}; make localstack-down stops it, if make started it`);
  if (upstream.on !== 'localstack') return;
  await putLake(localstack, seedLocation(upstream.bucket));
  note(`the demonstration lake is at ${seedLocation(upstream.bucket)}`);
}

try {
  process.exitCode = await run(process.argv[2] ?? '');
} catch (error) {
  const known = error instanceof RefusedError || error instanceof ConfigError;
  process.stderr.write(`${known ? error.message : String((error as Error).stack)}\n`);
  process.exitCode = 1;
}
