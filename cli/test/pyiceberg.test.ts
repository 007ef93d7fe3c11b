import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';

import { parseJson } from '@floecat/catalog';

import { serve, temporaryFolder } from './support.ts';

const run = promisify(execFile);
const VERSION = '0.12.0';
const VENV = join(import.meta.dirname, '../../.toolchain', `pyiceberg-${VERSION}`);

/** Installs PyIceberg once, into a virtual environment of the checkout. Answers why it cannot, or false. */
async function missingPyIceberg(): Promise<string | false> {
  try {
    if (!existsSync(join(VENV, 'installed'))) {
      await run('python3', ['-m', 'venv', VENV]);
      const packages = [`pyiceberg[pyarrow]==${VERSION}`];
      await run(join(VENV, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages]);
      await run('touch', [join(VENV, 'installed')]);
    }
    return false;
  } catch (error) {
    return `PyIceberg ${VERSION} cannot be installed here: ${(error as Error).message.split('\n').slice(0, 2).join(' ')}`;
  }
}

suite('PyIceberg as a client', { skip: await missingPyIceberg() }, () => {
  test('it finds the demonstration lake and reads every snapshot of every table with the counts we serve', async () => {
    using folder = temporaryFolder();
    await using server = await serve(['-D', `floecat.data-dir=${folder.path}/store`]);
    const { stdout } = await run(join(VENV, 'bin/python'), [
      join(import.meta.dirname, 'read_lake.py'),
      server.url,
    ]);
    const { tables, missing } = JSON.parse(stdout) as {
      tables: Record<string, { rows: number[]; snapshots: string[] }>;
      missing: boolean;
    };
    assert.equal(missing, false);
    assert.ok(Object.keys(tables).length >= 3, `it lists ${Object.keys(tables).join(', ')}`);
    for (const [name, { rows, snapshots }] of Object.entries(tables)) {
      const levels = name.split('.');
      const table = levels.pop() ?? '';
      const path = `/floecat/v1/default/namespaces/${levels.join('%1F')}/tables/${table}/snapshots`;
      const response = await fetch(server.url + path);
      const served = parseJson(await response.text()) as {
        snapshots: { 'snapshot-id': bigint; statistics: Record<string, number> }[];
      };
      assert.equal(served.snapshots.length, snapshots.length, name);
      for (const { 'snapshot-id': id, statistics } of served.snapshots) {
        const seen = rows[snapshots.indexOf(String(id))];
        const records = statistics['record-count'] ?? -1;
        const deleted = statistics['position-delete-record-count'] ?? 0;
        assert.equal(seen, records - deleted, `${name} at ${id}`);
      }
    }
  });

  test('it renames, moves and drops tables and namespaces, and understands what is refused', async () => {
    using folder = temporaryFolder();
    await using server = await serve(['-D', `floecat.data-dir=${folder.path}/store`]);
    const { stdout } = await run(join(VENV, 'bin/python'), [
      join(import.meta.dirname, 'change_lake.py'),
      server.url,
    ]);
    assert.deepEqual(JSON.parse(stdout), {
      properties: ['owner'],
      taken: true,
      moved: ['cafe', 'clinic', 'patients'],
      gone: true,
      full: true,
      left: ['cafe'],
      inside: [],
    });
  });
});
