import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FakeClock } from '@floecat/storage-testkit';

import type { DemoTable } from '../../src/demo-lake/index.ts';
import { writeDemoLake } from '../../src/demo-lake/index.ts';

export interface TempFolder extends AsyncDisposable {
  readonly folder: string;
}

export async function tempFolder(): Promise<TempFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'floecat-demo-lake-'));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

export interface TempLake extends TempFolder {
  readonly tables: readonly DemoTable[];
}

export async function tempLake(): Promise<TempLake> {
  const temp = await tempFolder();
  return { ...temp, tables: await writeDemoLake({ folder: temp.folder, clock: new FakeClock() }) };
}

/** Every file below a folder, by its relative path. */
export async function tree(folder: string): Promise<Map<string, string>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const contents = await Promise.all(files.map((file) => readFile(file, 'base64')));
  return new Map(files.map((file, i) => [file.slice(folder.length + 1), contents[i] ?? '']));
}
