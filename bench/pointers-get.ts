import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { compare } from './measure.ts';
import { load, openOurs, openRaw, record, shuffled } from './pointers-fixture.ts';
import { report } from './report.ts';
import { inScratchFolder } from './scratch.ts';

const POINTERS = 100_000;
const GETS = 100_000;
const ROUNDS = 9;

/** Random gets of 100,000 pointers, one after another. The baseline does not await: its gets are synchronous. */
export async function benchGet(): Promise<boolean> {
  return inScratchFolder(async (folder) => {
    const keys = Array.from({ length: POINTERS }, () => `/accounts/6f1c1c9e/tables/by-id/${randomUUID()}`);
    const raw = openRaw(join(folder, 'raw'));
    const ours = await openOurs(join(folder, 'ours'));
    try {
      await Promise.all(keys.toSorted().map((key) => raw.rows.put(key, record(1), 1)));
      await load(ours, keys);
      const order = shuffled(keys).slice(0, GETS);
      const result = await compare(
        async () => {
          for (const key of order) if (raw.rows.get(key)?.version !== 1) throw new Error(`no ${key}`);
          return order.length;
        },
        async () => {
          for (const key of order)
            if ((await ours.pointers.get(key))?.version !== 1) throw new Error(`no ${key}`);
          return order.length;
        },
        ROUNDS,
      );
      return report({ what: 'pointer get', baseline: 'raw lmdb', result, target: 0.6 });
    } finally {
      await ours.close();
      await raw.close();
    }
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = (await benchGet()) ? 0 : 1;
