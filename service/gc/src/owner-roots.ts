import type { OwnerRef } from '@floecat/repository';
import { decodeRoot, isDropped, KINDS } from '@floecat/repository';
import type { Blob, Pointer } from '@floecat/storage-spi';
import { mapBounded } from '@floecat/storage-spi';

import { GcUnreadableError } from './errors.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';

/** Owners whose roots are read at a time. */
export const ROOTS_AT_A_TIME = 32;

/** An owner with what leads to it: its live pointer, and those of backups. */
export interface OwnerPointers {
  readonly owner: OwnerRef;
  readonly live: Pointer | undefined;
  readonly kept: readonly Pointer[];
}

/** What an owner needs. */
export interface OwnerMark {
  readonly owner: OwnerRef;
  readonly live: Pointer | undefined;
  /** URIs of its roots, which were read just now. */
  readonly roots: ReadonlySet<string>;
  /** URIs of these and of all that they name. */
  readonly reached: ReadonlySet<string>;
}

/**
 * Reads the roots of owners and follows their references. An owner whose pointer is gone by now, and that no backup
 * holds, is `undefined`. Throws what ends a pass: a root that is missing, damaged, of another owner, of a kind or
 * message that is not known, or that names a blob of another owner.
 */
export async function markOwners(
  context: GcContext,
  owners: readonly OwnerPointers[],
): Promise<(OwnerMark | undefined)[]> {
  const parts: OwnerPointers[][] = [];
  for (let from = 0; from < owners.length; from += ROOTS_AT_A_TIME)
    parts.push(owners.slice(from, from + ROOTS_AT_A_TIME));
  const marks: (OwnerMark | undefined)[] = [];
  for (const part of parts) {
    const pointers = part.flatMap(({ live, kept }) => (live ? [live, ...kept] : kept));
    const uris = pointers.map(rootUriOf);
    const fetched = await context.storage.blobs.getBatch(uris, callOf(context));
    const blobs = new Map(uris.map((uri, i) => [uri, fetched[i]]));
    marks.push(...(await mapBounded(part, part.length, (each) => markOwner(context, each, blobs))));
  }
  return marks;
}

async function markOwner(
  context: GcContext,
  { owner, live, kept }: OwnerPointers,
  blobs: ReadonlyMap<string, Blob | undefined>,
): Promise<OwnerMark | undefined> {
  const roots = new Set<string>();
  const reached = new Set<string>();
  const take = (pointer: Pointer, blob: Blob): void => {
    const uri = rootUriOf(pointer);
    roots.add(uri);
    reached.add(uri);
    for (const reference of referencesOf(owner, pointer, blob)) reached.add(reference);
  };
  for (const pointer of kept) {
    const blob = blobs.get(rootUriOf(pointer));
    if (!blob)
      throw unreadable(
        pointer,
        `a kept backup holds ${pointer.key}, whose blob ${rootUriOf(pointer)} is gone; verify the backup, and end it if it is not needed`,
      );
    take(pointer, blob);
  }
  const current = live && (await followLive(context, live, blobs.get(rootUriOf(live))));
  if (current) take(current.pointer, current.blob);
  if (!current && kept.length === 0) return undefined;
  return { owner, live: current?.pointer, roots, reached };
}

/** The root of a live pointer, which may have moved since it was listed. */
async function followLive(
  context: GcContext,
  from: Pointer,
  fetched: Blob | undefined,
): Promise<{ pointer: Pointer; blob: Blob } | undefined> {
  const { storage } = context;
  const call = callOf(context);
  let pointer = from;
  let blob = fetched;
  while (!blob) {
    const again = await storage.pointers.get(pointer.key, call);
    if (!again) return undefined;
    if (again.writeId === pointer.writeId)
      throw unreadable(
        pointer,
        `${pointer.key} leads to ${rootUriOf(pointer)}, which is gone; run floecat verify`,
      );
    pointer = again;
    [blob] = await storage.blobs.getBatch([rootUriOf(pointer)], call);
  }
  return { pointer, blob };
}

/** What the root names. */
function referencesOf(owner: OwnerRef, pointer: Pointer, blob: Blob): readonly string[] {
  const kind = KINDS[owner.collection];
  const root = decodeRoot(kind, owner, pointer, blob);
  if (isDropped(root)) return [];
  const references = kind.references(root.resource);
  const foreign = references.find((uri) => !uri.startsWith(owner.blobPrefix));
  if (foreign !== undefined)
    throw unreadable(
      pointer,
      `${blob.header.uri} names ${foreign}, which is another owner's; run floecat verify`,
    );
  return references;
}

export function rootUriOf(pointer: Pointer): string {
  if (pointer.kind === 'blob') return pointer.blobUri;
  throw unreadable(pointer, `${pointer.key} should lead to a blob and holds a value; run floecat verify`);
}

function unreadable({ key }: Pointer, why: string): GcUnreadableError {
  return new GcUnreadableError(why, { key });
}
