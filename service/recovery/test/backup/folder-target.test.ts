import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { suite, test } from 'node:test';

import { FolderTarget } from '@floecat/recovery';

void suite('a folder as a target', () => {
  test('files are there, replaced, listed in order and gone; other names are refused', async (t) => {
    await using target = new FolderTarget(await folder(t));
    await target.put('b/x', Buffer.from('1'));
    await target.put('b/x', Buffer.from('2'));
    await target.put('a', Buffer.from(''));
    await target.put('b-c/y', Buffer.from('3'));
    const list = async (prefix: string): Promise<string[]> => Array.fromAsync(target.list(prefix));
    assert.deepEqual(await list(''), ['a', 'b-c/y', 'b/x']);
    assert.deepEqual(await list('b/'), ['b/x']);
    assert.deepEqual(await list('none/'), []);
    assert.equal(Buffer.from((await target.get('b/x')) ?? []).toString(), '2');
    assert.equal(await target.get('b/y'), undefined);
    await target.delete('b/x');
    await target.delete('b/x');
    assert.deepEqual(await list(''), ['a', 'b-c/y']);
    for (const name of ['', '../x', 'a/../b', '/x', '.hidden', 'a//b', 'ä'])
      await assert.rejects(target.put(name, Buffer.from('')), { code: 'INVALID_ARGUMENT' });
  });
});

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'floecat-backup-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}
