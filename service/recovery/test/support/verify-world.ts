import { create, toBinary } from '@bufbuild/protobuf';
import { ScanBundleSchema, ScanChunkSchema, SnapshotStatisticsSchema } from '@floecat/proto/snapshots';
import type { Finding, RecoveryContext, VerifyOptions, VerifyReport } from '@floecat/recovery';
import { verify } from '@floecat/recovery';
import type { LoadedTable } from '@floecat/repository';
import * as repository from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';
import { seededRandom } from '@floecat/storage-testkit';

import { fillLake, publishTable } from '../../../repository/test/support/lake.ts';
import type { LawWorld } from '../../../repository/test/support/law-world.ts';
import { openLawWorld } from '../../../repository/test/support/law-world.ts';
import type { Damageable } from './backends.ts';

/** A store in which everything holds together: all kinds of owners, a bundle in chunks, a tombstone, a record. */
export interface VerifyWorld extends Damageable, AsyncDisposable {
  readonly world: LawWorld;
  readonly context: RecoveryContext;
}

export async function openVerifyWorld(
  open: () => Promise<Damageable>,
  fill: (world: LawWorld) => Promise<unknown> = fillLake,
): Promise<VerifyWorld> {
  const damageable = await open();
  const { fixture } = damageable;
  const { storage, clock } = fixture;
  const world = await openLawWorld(repository, fixture);
  await fill(world);
  await addChunked(world, await publishTable(world, ['hr'], 'chunked'), 7n, 3);
  const { tables } = world.repositories;
  await tables.drop(await publishTable(world, ['hr'], 'dropped'));
  await storage.pointers.compareAndSet('/accounts/acme/idempotency/00/run', 0, {
    kind: 'value',
    value: '{}',
    expiresAt: clock.seconds() + 3_600,
  });
  return {
    ...damageable,
    world,
    context: { storage, clock, random: seededRandom(5) },
    [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose](),
  };
}

/** Gives a table a snapshot whose bundle lies in chunks of one file each. */
export async function addChunked(
  { repo, repositories }: LawWorld,
  table: LoadedTable,
  snapshotId: bigint,
  count: number,
): Promise<void> {
  const { context, snapshots } = repositories;
  const tableId = table.owner.id;
  const owner = repo.snapshotOwner(context.account, tableId, snapshotId, 'scan-bundle');
  const writer = new repo.BlobWriter(context);
  const chunks = [];
  for (let i = 0; i < count; i++) {
    const bytes = toBinary(ScanChunkSchema, create(ScanChunkSchema, { files: [{ filePath: `${i}` }] }));
    const uri = repo.payloadUri(owner, 'chunks', bytes);
    await writer.put({ uri, bytes, message: ScanChunkSchema.typeName });
    chunks.push({ uri, size: BigInt(bytes.length), fileCount: 1n });
  }
  const statistics = create(SnapshotStatisticsSchema, { tableId, snapshotId });
  const bundle = create(ScanBundleSchema, { tableId, snapshotId, chunks });
  await snapshots.createAll(table, [{ snapshotId, statistics, bundle, writer }]);
}

/** One whole run; findings of severity `note` are left out unless they are asked for. */
export async function verified(
  context: RecoveryContext,
  options: VerifyOptions & { readonly notes?: boolean } = {},
): Promise<{ readonly report: VerifyReport; readonly findings: Finding[] }> {
  const findings: Finding[] = [];
  const report = await verify(context, {
    ...options,
    onFinding: (finding) => {
      if (options.notes === true || finding.severity !== 'note') findings.push(finding);
    },
  });
  return { report, findings };
}

/** Kind, and key or URI, of each finding. */
export function told(findings: readonly Finding[]): string[] {
  return findings.map(({ kind, key, uri }) => `${kind} ${uri ?? key}`).toSorted();
}

/** All rows that start with `prefix`. */
export async function rowsOf({ context }: VerifyWorld, prefix = ''): Promise<Pointer[]> {
  const rows: Pointer[] = [];
  let pageToken: string | undefined;
  do {
    const page = await context.storage.pointers.listPointersByPrefix(prefix, pageToken ? { pageToken } : {});
    rows.push(...page.pointers);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return rows;
}
