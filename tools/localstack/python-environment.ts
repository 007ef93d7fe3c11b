import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { lockFile } from './lock-file.ts';

const run = promisify(execFile);
const TOOLCHAIN = join(import.meta.dirname, '..', '..', '.toolchain', 'localstack');
const OLDEST = '3.10';
const PYTHONS = ['python3', 'python'];

/** This machine cannot run the Python engine; the message says what it lacks. */
export class PythonMissingError extends Error {}

/**
 * The interpreter of a virtual environment with exactly what the file `requirements` pins, by digest; made on first
 * use, under `.toolchain/localstack/`, by one process while the others wait. Throws {@link PythonMissingError} where
 * there is no Python or no pip.
 */
export async function pythonWith(requirements: string): Promise<string> {
  const { python, version } = await findPython();
  const digest = createHash('sha256')
    .update(version)
    .update(await readFile(requirements));
  const home = join(TOOLCHAIN, `python-${digest.digest('hex').slice(0, 16)}`);
  const interpreter = join(home, 'bin', 'python');
  if (existsSync(interpreter)) return interpreter;
  await using lock = await lockFile(`${home}.lock`);
  void lock;
  if (existsSync(interpreter)) return interpreter;
  // Made aside and then renamed, so that what is there is whole, whoever was stopped in it.
  const fresh = `${home}.${process.pid}`;
  try {
    await run(python, ['-m', 'venv', fresh]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--require-hashes'];
    await run(join(fresh, 'bin', 'python'), [...pip, '-r', requirements]);
    await rename(fresh, home);
  } catch (cause) {
    await rm(fresh, { recursive: true, force: true });
    if (existsSync(interpreter)) return interpreter;
    throw new PythonMissingError(`pip could not install ${requirements}: ${lastLine(cause)}`, { cause });
  }
  return interpreter;
}

async function findPython(): Promise<{ readonly python: string; readonly version: string }> {
  const found: string[] = [];
  for (const python of PYTHONS)
    try {
      const probe = 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])';
      const version = (await run(python, ['-c', probe])).stdout.trim();
      if (Number(version.split('.')[1]) >= Number(OLDEST.split('.')[1])) return { python, version };
      found.push(`${python} is ${version}`);
    } catch (error) {
      found.push(`${python}: ${lastLine(error)}`);
    }
  throw new PythonMissingError(`needs Python ${OLDEST} or newer with venv and pip (${found.join('; ')})`);
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr || message).trim().split('\n').at(-1) ?? message;
}
