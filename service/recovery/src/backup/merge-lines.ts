import type { Pointer } from '@floecat/storage-spi';
import { compareUtf8 } from '@floecat/storage-spi';

import type { BackupLine } from './backup-line.ts';
import { Lookahead } from './lookahead.ts';

const BATCH = 1_000;

/**
 * The pointers that a chain of backups holds: of each key what the newest backup says that says anything. `layers` are
 * its streams of lines, the newest first, each in the order of the keys.
 */
export async function* mergeLines(
  layers: readonly AsyncIterable<readonly BackupLine[]>[],
): AsyncGenerator<readonly Pointer[]> {
  const [only] = layers;
  if (only && layers.length === 1) {
    for await (const lines of only) yield lines.flatMap(({ pointer }) => pointer ?? []);
    return;
  }
  await using stack = new AsyncDisposableStack();
  const heads = layers.map((layer) => stack.use(new Lookahead(layer)));
  let batch: Pointer[] = [];
  for (;;) {
    let newest: BackupLine | undefined;
    for (const each of heads) {
      if (each.needsFill) await each.fill();
      const { head } = each;
      if (head && (!newest || compareUtf8(head.key, newest.key) < 0)) newest = head;
    }
    if (!newest) break;
    for (const each of heads) if (each.head?.key === newest.key) each.skip();
    if (newest.pointer) batch.push(newest.pointer);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}
