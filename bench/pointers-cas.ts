import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { compare } from './measure.ts';
import { blobUri, load, openOurs, openRaw, record } from './pointers-fixture.ts';
import { report } from './report.ts';
import { inScratchFolder } from './scratch.ts';

const POINTERS = 100_000;
const WRITERS = 64;
const WRITES_EACH = 60;
const ROUNDS = 11;

/**
 * 64 writers, each waiting for one durable compare-and-set before its next; whoever writes knows the version. The
 * baseline is the library's conditional put of a new object. Both flush before they answer. Once over all of 100,000
 * pointers in random order, as commits of a catalog's tables are; and once over 64 of them, so that nearly all of the
 * time goes into what is not the disk.
 */
export async function benchCas(): Promise<boolean> {
  const spread = await benchCasOf(POINTERS, '100,000 pointers');
  const hot = await benchCasOf(WRITERS, '64 pointers');
  return spread && hot;
}

async function benchCasOf(hot: number, what: string): Promise<boolean> {
  return inScratchFolder(async (folder) => {
    const keys = Array.from({ length: POINTERS }, () => `/accounts/6f1c1c9e/tables/by-id/${randomUUID()}`);
    const raw = openRaw(join(folder, 'raw'));
    const ours = await openOurs(join(folder, 'ours'));
    try {
      await Promise.all(keys.toSorted().map((key) => raw.rows.put(key, record(1), 1)));
      await load(ours, keys);
      const inRaw = new Turns(keys.slice(0, hot));
      const inOurs = new Turns(keys.slice(0, hot));
      const result = await compare(
        () =>
          inRaw.run((key, version, last) => {
            const next = { ...record(version + 1), ...last };
            return raw.rows.put(key, next, version + 1, version);
          }),
        () =>
          inOurs.run(async (key, version) => {
            const next = { kind: 'blob', blobUri: blobUri() } as const;
            return (await ours.pointers.compareAndSet(key, version, next)).applied;
          }),
        ROUNDS,
      );
      return report({
        what: `durable pointer CAS, ${WRITERS} writers over ${what}`,
        baseline: 'raw lmdb',
        result,
        target: 0.7,
      });
    } finally {
      await ours.close();
      await raw.close();
    }
  });
}

type Write = (key: string, version: number, last: { readonly prevWriteId: string }) => Promise<boolean>;

/** Hands each writer the next key and its version, in an order that both sides share. */
class Turns {
  readonly #keys: readonly string[];
  readonly #versions: number[];
  #next = 0;

  constructor(keys: readonly string[]) {
    // The keys are random, so their order is too.
    this.#keys = keys;
    this.#versions = keys.map(() => 1);
  }

  async run(write: Write): Promise<number> {
    const last = { prevWriteId: randomUUID() };
    const writer = async (): Promise<void> => {
      for (let i = 0; i < WRITES_EACH; i++) {
        const at = this.#next++ % this.#keys.length;
        const key = this.#keys[at] ?? '';
        const version = this.#versions[at] ?? 0;
        this.#versions[at] = version + 1;
        if (!(await write(key, version, last))) throw new Error(`a write of ${key} lost`);
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, writer));
    return WRITERS * WRITES_EACH;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = (await benchCas()) ? 0 : 1;
