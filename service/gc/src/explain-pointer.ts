import { collectorStateKey, shapeOfKey } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';
import { isExpired, splitKey } from '@floecat/storage-spi';

import { iso } from './explain-blob.ts';
import type { GcExplanation } from './explanation.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';
import { digestOf, isOrphan } from './pointer-scan.ts';
import type { PointerState } from './pointer-state.ts';
import { parseState } from './system-state.ts';

type Answer = Omit<GcExplanation, 'key' | 'is'>;

export async function explainPointer(context: GcContext, key: string): Promise<GcExplanation> {
  const row = await context.storage.pointers.get(key, { ...callOf(context), includeExpired: true });
  const answer = row
    ? await explainRow(context, row)
    : { verdict: 'absent' as const, because: ['There is no such pointer, and no blob of this name.'] };
  return { key, is: 'pointer', ...answer };
}

async function explainRow(context: GcContext, row: Pointer): Promise<Answer> {
  const { settings, storage, now } = context;
  const shape = shapeOfKey(row.key);
  if (!shape)
    return {
      verdict: 'unknown',
      because: [
        'Its key is of no shape that this version knows, so it is left alone; while it is there, the pointer collector deletes nothing in its account.',
      ],
    };
  if (row.expiresAt !== undefined) return explainExpiring(context, row, row.expiresAt);
  if (shape.is === 'record') return { verdict: 'alive', because: ['A record without an expiry is kept.'] };
  if (await isOrphan(context, row)) return explainOrphan(context, row);
  const graceEnd = row.updatedAt + storage.layout.pointerGraceMs;
  if (shape.is === 'name' || row.state === undefined || row.state === 'LIVE')
    return {
      verdict: 'alive',
      because: [
        shape.is === 'name' ? 'A name whose owner exists.' : 'The canonical pointer of a live owner.',
      ],
    };
  if (row.state === 'TOMBSTONE') {
    const notBefore = row.updatedAt + settings.tombstoneTtlMs;
    return {
      verdict: 'condemned',
      because: [
        `A tombstone since ${iso(row.updatedAt)}. It ends after ${iso(notBefore)}, once every other blob of its owner is gone and no kept backup holds the owner.`,
      ],
      notBefore,
    };
  }
  const what =
    row.state === 'STAGED'
      ? 'Staged, and not published yet. If it never is, its rows are deleted'
      : 'A drop or rename of it began. If it is not finished, the pointer collector does that';
  return {
    verdict: graceEnd > now ? 'young' : 'unreferenced',
    because: [`${what} after ${iso(graceEnd)}.`],
    notBefore: graceEnd,
  };
}

function explainExpiring({ now, settings }: GcContext, row: Pointer, expiresAt: number): Answer {
  const notBefore = expiresAt * 1000 + settings.idempotency.minAgeMs;
  const expired = isExpired(row, now);
  return {
    verdict: expired ? 'condemned' : 'alive',
    because: [
      expired
        ? `It expired at ${iso(expiresAt * 1000)} and counts as absent; its row is reaped after ${iso(notBefore)}.`
        : `It expires at ${iso(expiresAt * 1000)}; its row is reaped after ${iso(notBefore)}.`,
    ],
    notBefore,
  };
}

async function explainOrphan(context: GcContext, row: Pointer): Promise<Answer> {
  const { storage, now } = context;
  const account = splitKey(row.key)[1] ?? '';
  const kept = await storage.system.get(collectorStateKey('pointer', account), callOf(context));
  const since = kept && parseState<PointerState>(kept).orphans?.[digestOf(row)];
  const notBefore = (since ?? now) + storage.layout.pointerGraceMs;
  return {
    verdict: since === undefined ? 'unreferenced' : 'condemned',
    because: [
      'What it belongs to does not exist.',
      since === undefined
        ? 'No scan has seen it so yet.'
        : `It was first seen so at ${iso(since)}; a scan after ${iso(notBefore)} deletes it.`,
    ],
    notBefore,
  };
}
