// Starts, stops and describes the AWS emulator: `localstack.ts up | down | restart | status`.
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { startDetachedEngine, whoAnswers } from './engine.ts';
import { provision } from './provision.ts';
import type { Started } from './run-state.ts';
import { RunState, startOf } from './run-state.ts';
import type { LocalstackSettings } from './settings.ts';
import { readSettings } from './settings.ts';

const run = promisify(execFile);
const FOLDER =
  process.env['LOCALSTACK_STATE_DIR'] ?? join(import.meta.dirname, '..', '..', '.toolchain', 'localstack');
const COMPOSE = join(import.meta.dirname, 'compose.yaml');
/** How long a container may take until it answers. Its image is there by then. */
const DOCKER_START_MS = Number(process.env['LOCALSTACK_START_SECONDS'] ?? 180) * 1_000;
const STOP_MS = 10_000;

const settings = settingsOrExit();
const { endpoint, port } = settings;
const state = new RunState(FOLDER, port);
const print = (line: string): boolean => process.stdout.write(line + '\n');

async function up(): Promise<void> {
  const started = await running();
  if (started && !(await whoAnswers(endpoint))?.startsWith('an AWS emulator')) await stop(started);
  else if (started) {
    await provision(settings);
    return void print(`${endpoint} is up already (${describe(started)}); ${contents()}`);
  }
  await refuseForeign();
  const fresh = (await dockerAnswers()) ? await startDocker() : await startEngine();
  await provision(settings);
  print(`${endpoint} is up (${describe(fresh)}); ${contents()}`);
}

async function down(): Promise<void> {
  const started = await running();
  if (started) {
    await stop(started);
    return void print(`${endpoint} is down`);
  }
  await state.clear();
  const foreign = await whoAnswers(endpoint);
  print(
    foreign === undefined
      ? `nothing is up on ${endpoint}`
      : `on ${endpoint} answers ${foreign} that make localstack-up did not start; it is left alone`,
  );
}

async function status(): Promise<void> {
  const answers = await whoAnswers(endpoint);
  const started = await running();
  if (answers === undefined) print(`nothing is up on ${endpoint}`);
  else if (started) print(`${endpoint} is up (${describe(started)}): ${answers}; ${contents()}`);
  else print(`on ${endpoint} answers ${answers} that make localstack-up did not start`);
  if (answers === undefined || !started) process.exitCode = 1;
}

/** What `up` started on this port, if it still runs. */
async function running(): Promise<Started | undefined> {
  const started = await state.read();
  if (started?.kind === 'engine')
    return (await startOf(started.pid)) === started.startedAt ? started : undefined;
  if (started?.kind === 'docker') return (await compose('ps', '--quiet')).trim() === '' ? undefined : started;
  return undefined;
}

async function refuseForeign(): Promise<void> {
  const foreign = await whoAnswers(endpoint);
  if (foreign !== undefined)
    throw new Error(
      `on ${endpoint} answers ${foreign} that make localstack-up did not start; it is left alone. ` +
        'Stop it, or give another port in LOCALSTACK_ENDPOINT.',
    );
}

async function dockerAnswers(): Promise<boolean> {
  try {
    await run('docker', ['info'], { timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}

async function startDocker(): Promise<Started> {
  const started: Started = { kind: 'docker' };
  await state.write(started);
  try {
    await compose('up', '--detach');
  } catch (error) {
    await state.clear();
    throw new Error(`docker compose could not start the container: ${lastLine(error)}`, { cause: error });
  }
  for (const until = Date.now() + DOCKER_START_MS; Date.now() < until; await delay(500))
    if ((await whoAnswers(endpoint))?.startsWith('an AWS emulator')) return started;
  await stop(started);
  throw new Error(
    `the container did not answer on ${endpoint} within ${DOCKER_START_MS / 1000} s; it was removed`,
  );
}

async function startEngine(): Promise<Started> {
  await mkdir(FOLDER, { recursive: true });
  const pid = await startDetachedEngine(port, join(FOLDER, `engine-${port}.log`));
  const started: Started = { kind: 'engine', pid, startedAt: (await startOf(pid)) ?? '' };
  await state.write(started);
  return started;
}

async function stop(started: Started): Promise<void> {
  if (started.kind === 'docker') await compose('down', '--volumes');
  else await end(started);
  await state.clear();
}

async function end({ pid, startedAt }: { pid: number; startedAt: string }): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    process.kill(pid, signal);
    for (const until = Date.now() + STOP_MS; Date.now() < until; await delay(50))
      if ((await startOf(pid)) !== startedAt) return;
  }
  throw new Error(`process ${pid} does not end`);
}

async function compose(...command: readonly string[]): Promise<string> {
  const project = `floecat-localstack-${port}`;
  const { stdout } = await run('docker', ['compose', '-p', project, '-f', COMPOSE, ...command], {
    env: { ...process.env, LOCALSTACK_PORT: String(port) },
  });
  return stdout;
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr || message).trim().split('\n').at(-1) ?? message;
}

function describe(started: Started): string {
  return started.kind === 'docker' ? 'LocalStack in Docker' : `Python engine, process ${started.pid}`;
}

function contents(): string {
  return `bucket ${settings.bucket}, table ${settings.table}, region ${settings.region}`;
}

function settingsOrExit(): LocalstackSettings {
  try {
    return readSettings(process.env);
  } catch (error) {
    process.stderr.write(`localstack: ${(error as Error).message}\n`);
    return process.exit(1);
  }
}

const commands: Readonly<Record<string, () => Promise<void>>> = {
  up,
  down,
  status,
  restart: async () => {
    await down();
    await up();
  },
};
const command = commands[process.argv[2] ?? ''];
try {
  if (!command) throw new Error(`usage: localstack.ts ${Object.keys(commands).join(' | ')}`);
  await command();
} catch (error) {
  process.stderr.write(`localstack: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
