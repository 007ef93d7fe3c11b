import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

import { testStorageVariables } from '../../tools/localstack/test-storage.ts';

/** The compiled command, as a user runs it; `make test` builds it first. */
export const MAIN = join(import.meta.dirname, '../dist/main.js');

/** The real tables that lie beside the checkout; tests that need them are skipped, saying so, where they are absent. */
export const LAKE = join(import.meta.dirname, '../../../shared/data/lake');
export const LAKE_MISSING = existsSync(LAKE) ? false : `the real Iceberg tables are not at ${LAKE}`;

export const LAKE_PROPERTY =
  `floecat.upstream.locations=s3://yb-iceberg-tpcds=${LAKE}/yb-iceberg-tpcds,s3://floecat=${LAKE}/floecat,` +
  `lineitem_iceberg=${LAKE}/lineitem_iceberg,data/persistent=${LAKE}/data/persistent`;

/** Table, location, snapshots and how many of them lack their manifest list. */
export const REAL_TABLES = [
  ['tpcds.trino_test', 's3://yb-iceberg-tpcds/trino_test', 3, 1],
  ['sales.trino_types', 's3://floecat/sales/us/trino_types', 2, 0],
  ['tpch.lineitem', './lineitem_iceberg', 2, 0],
  ['duck.hive', 'data/persistent/hive_partitioned_table', 2, 0],
  ['duck.mytable', 'data/persistent/equality_deletes/warehouse/mydb/mytable', 6, 1],
] as const;

/** A folder of this test's own, removed at the end. */
export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'floecat-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command to its end. The environment has nothing of ours in it but `env`. */
export async function floecat(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = start(args, options);
  child.stdin?.end(options.input);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; closed at once where there is none. */
  readonly input?: string;
}

const DATA_DIR = 'floecat.data-dir=';

/**
 * The environment by which a command finds its store where the suites are run on another storage: one store for each data
 * folder. Empty for a command that chooses its storage itself, or opens none.
 */
export function storageVariables(
  args: readonly string[],
  { cwd = process.cwd(), env = {} }: RunOptions = {},
): Record<string, string> {
  const chosen = env['FLOECAT_KV'] !== undefined || args.some((one) => one.startsWith('floecat.kv='));
  if (chosen || args.includes('config')) return {};
  const given = args.findLast((one) => one.startsWith(DATA_DIR))?.slice(DATA_DIR.length);
  return testStorageVariables(resolve(cwd, given ?? env['FLOECAT_DATA_DIR'] ?? '.floecat'));
}

function start(args: readonly string[], { cwd, env = {}, input }: RunOptions): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('FLOECAT_'));
  return spawn(process.execPath, [MAIN, ...args], {
    env: {
      ...Object.fromEntries(inherited),
      ...storageVariables(args, { env, ...(cwd !== undefined && { cwd }) }),
      ...env,
    },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
  });
}

export interface Server extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** What it wrote to standard error so far. */
  readonly log: () => string;
  /** Ends it without a word, as a crash would. */
  kill(): Promise<void>;
  /** Ends it as an operator would; answers the exit code. */
  stop(): Promise<number | null>;
}

/** Starts `floecat serve` on a free port and waits until it answers. */
export async function serve(args: readonly string[], options: RunOptions = {}): Promise<Server> {
  const child = start(
    ['serve', '--json', '-D', 'floecat.http.port=0', '-D', 'floecat.log.level=warn', ...args],
    options,
  );
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, 'close');
  let answer = '';
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    answer += line;
    if (line === '}') break;
  }
  if (answer === '') {
    await ended;
    throw new Error(`the server did not start: ${log}`);
  }
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const [code] = (await ended) as [number | null];
    return code;
  };
  return {
    url: (JSON.parse(answer) as { url: string }).url,
    pid: child.pid ?? 0,
    log: () => log,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    [Symbol.asyncDispose]: async () => void (await end('SIGKILL')),
  };
}
