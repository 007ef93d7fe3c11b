import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';

import { StorageCorruptionError } from '@floecat/storage-spi';
import type { SeededRandom } from '@floecat/storage-testkit';
import { withSeed } from '@floecat/storage-testkit';

import { UpstreamUnsupportedError } from '../../src/harvest/index.ts';
import { inlineManifest, readManifestList } from '../../src/harvest/manifest-list.ts';
import { readManifest } from '../../src/harvest/manifest.ts';
import type { Codec } from './avro-writer.ts';
import { LAKE, needsLake } from './lake.ts';
import { byField, manifest, manifestList, MemoryLake, tableMetadata } from './synthetic-table.ts';

const ROUNDS = process.env['FLOECAT_SOAK'] === undefined ? 600 : 20_000;
const SEED = Number(process.env['FLOECAT_SEED'] ?? 20_240_229);
const AT = 'mem://t/damaged.avro';

const metadata = tableMetadata({
  columns: [
    [1, 'a', 'long'],
    [2, 'b', 'string'],
  ],
});
const { columns } = metadata.currentSchema;

interface Outcomes {
  read: number;
  damaged: number;
  unsupported: number;
}

type Kind = 'manifest' | 'list';

/** Reads damaged bytes. Anything but the three outcomes, or a hang, fails the test. */
async function read(bytes: Uint8Array, kind: Kind, outcomes: Outcomes): Promise<void> {
  const reader = new MemoryLake();
  reader.files.set(AT, bytes);
  try {
    if (kind === 'list') await readManifestList(reader, AT);
    else await readManifest({ reader, manifest: inlineManifest(AT, 1n), metadata, columns });
    outcomes.read++;
  } catch (error) {
    if (error instanceof UpstreamUnsupportedError) outcomes.unsupported++;
    else if (error instanceof StorageCorruptionError && error.key === AT && error.message.includes(AT))
      outcomes.damaged++;
    else throw error;
  }
}

function flipped(whole: Uint8Array, random: SeededRandom): Buffer {
  const bytes = Buffer.from(whole);
  for (let flips = 1 + random.below(4); flips > 0; flips--) {
    const at = random.below(bytes.length);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 + random.below(255)), at);
  }
  return bytes;
}

/** A run of bytes that decode to long lengths and large counts. */
function overwritten(whole: Uint8Array, random: SeededRandom): Buffer {
  const bytes = Buffer.from(whole);
  const at = random.below(bytes.length);
  const end = Math.min(bytes.length, at + 1 + random.below(12));
  bytes.fill(random.pick([0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff]), at, end);
  return bytes;
}

function cut(whole: Uint8Array, random: SeededRandom): Buffer {
  const from = random.below(whole.length);
  const to = from + random.below(whole.length - from);
  // Either the end is missing or a piece in the middle.
  return random.below(2) === 0
    ? Buffer.from(whole.subarray(0, from))
    : Buffer.concat([whole.subarray(0, from), whole.subarray(to)]);
}

function repeated(whole: Uint8Array, random: SeededRandom): Buffer {
  const from = random.below(whole.length);
  const to = from + random.below(whole.length - from);
  return Buffer.concat([whole.subarray(0, to), whole.subarray(from)]);
}

const DAMAGES = { flipped, overwritten, cut, repeated };

async function fuzz(whole: Uint8Array, kind: Kind, rounds: number, seed = SEED): Promise<Outcomes> {
  const outcomes: Outcomes = { read: 0, damaged: 0, unsupported: 0 };
  await read(whole, kind, outcomes);
  assert.equal(outcomes.read, 1);
  await withSeed(async (random) => {
    for (let round = 0; round < rounds; round++)
      await read(random.pick(Object.values(DAMAGES))(whole, random), kind, outcomes);
  }, seed);
  return outcomes;
}

test(
  'damage of the real files is told as damage, or is not seen; never a crash, a hang or another error',
  needsLake,
  async (t) => {
    const files = globSync('**/*.avro', { cwd: LAKE }).sort();
    assert.equal(files.length, 29);
    const sums: Outcomes = { read: 0, damaged: 0, unsupported: 0 };
    for (const [i, file] of files.entries()) {
      const kind = basename(file).startsWith('snap-') ? 'list' : 'manifest';
      const {
        read: unseen,
        damaged,
        unsupported,
      } = await fuzz(readFileSync(join(LAKE, file)), kind, ROUNDS / 10, SEED + i);
      assert.ok(damaged > 0);
      sums.read += unseen;
      sums.damaged += damaged;
      sums.unsupported += unsupported;
    }
    t.diagnostic(`seed ${SEED} (set FLOECAT_SEED for another): ${JSON.stringify(sums)}`);
  },
);

const entries = Array.from({ length: 20 }, (_, i) => ({
  data_file: {
    column_sizes: byField({ 1: BigInt(i), 2: 2n ** 40n }),
    lower_bounds: byField({ 1: Buffer.alloc(8, i), 2: Buffer.from(`low ${i}`) }),
    upper_bounds: byField({ 1: Buffer.alloc(8, i), 2: Buffer.from(`up ${i}`) }),
    split_offsets: [4n, 5n, 6n],
    equality_ids: [1],
    partition: { p: i % 2 === 0 ? null : `value ${i}` },
  },
}));
const partition = [{ name: 'p', type: ['null', 'string'], default: null, 'field-id': 1_000 }];

// Without compression, which hides most of a file from a flip, the damage reaches every kind of value.
for (const codec of ['null', 'deflate', 'snappy', 'zstandard'] as Codec[])
  test(`${codec}: the same for manifests and lists of many entries`, async (t) => {
    const before = process.memoryUsage().rss;
    const manifestBytes = manifest({ entries, partition, codec, recordsPerBlock: 7 });
    const refs = entries.map((_, i) => ({ path: `mem://${i}`, first_row_id: BigInt(i) }));
    t.diagnostic(JSON.stringify(await fuzz(manifestBytes, 'manifest', ROUNDS)));
    t.diagnostic(JSON.stringify(await fuzz(manifestList(refs, 3, { codec }), 'list', ROUNDS)));
    assert.ok(process.memoryUsage().rss - before < 1e9, 'damage made it allocate');
  });
