import type { DescMessage } from '@bufbuild/protobuf';
import type { Pointer, ReadOptions } from '@floecat/storage-spi';

import { namesOf } from './change.ts';
import type { ResourceNotFoundError } from './errors.ts';
import { follow } from './load.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { ResourceKind } from './resource-kind.ts';
import type { Loaded } from './root-blob.ts';
import { isPresent } from './root-blob.ts';

/** One name of a path such as catalog, namespace, table. */
export interface NameStep {
  /** Key of the name pointer, given the id that the step before led to (empty for the first). */
  key(parentId: string): string;
  missing(): ResourceNotFoundError;
}

/** What the last name of a path leads to. */
export interface ResolvedName {
  readonly key: string;
  readonly id: string;
  /** The name pointer. */
  readonly row: Pointer;
}

/**
 * Follows a path of names. `undefined` where the last one is free; throws `ResourceNotFoundError` where one before it
 * is. Reads all of it at once where the ids on the way are remembered, and checks each; else one after the other.
 */
export async function resolvePath(
  { storage, names }: RepositoryContext,
  path: readonly NameStep[],
  options?: ReadOptions,
): Promise<ResolvedName | undefined> {
  const guess = guessIds(names, path.slice(0, -1));
  if (guess && guess.length > 0) {
    const keys = path.map((step, i) => step.key(guess[i - 1] ?? ''));
    const rows = await storage.pointers.getBatch(keys, options);
    if (guess.every((id, i) => idIn(rows[i]) === id)) return remember(names, keys.at(-1) ?? '', rows.at(-1));
  }
  let found: ResolvedName | undefined;
  for (const [i, step] of path.entries()) {
    const key = step.key(found?.id ?? '');
    found = remember(names, key, await storage.pointers.get(key, options));
    if (!found && i < path.length - 1) throw step.missing();
  }
  return found;
}

/** The id at the end of a path. Throws `ResourceNotFoundError` where a name of it is free. */
export async function requirePath(
  context: RepositoryContext,
  path: readonly NameStep[],
  options?: ReadOptions,
): Promise<ResolvedName> {
  const found = await resolvePath(context, path, options);
  if (!found) throw (path.at(-1) as NameStep).missing();
  return found;
}

/**
 * The resource at the end of a path, if a reader sees it. A name whose owner no longer bears it, because a rename or a
 * drop came between two reads, counts as free. Where every id is remembered, one round trip reads the owner itself
 * and the names that lead to it: the owner says whether it still bears the last one.
 */
export async function loadPath<D extends DescMessage>(
  context: RepositoryContext,
  kind: ResourceKind<D>,
  path: readonly NameStep[],
  options?: ReadOptions,
): Promise<Loaded<D> | undefined> {
  const { storage, names, account } = context;
  const guess = guessIds(names, path);
  if (guess) {
    const keys = path.map((step, i) => step.key(guess[i - 1] ?? ''));
    const owner = kind.owner(account, guess.at(-1) ?? '');
    const rows = await storage.pointers.getBatch([...keys.slice(0, -1), owner.key], options);
    const led = guess.slice(0, -1).every((id, i) => idIn(rows[i]) === id);
    const root = led ? await follow(context, kind, owner, rows.at(-1), options) : undefined;
    if (root && bears(root, keys.at(-1) ?? '')) return root;
    for (const key of keys) names.delete(key);
  }
  const found = await resolvePath(context, path, options);
  if (!found) return undefined;
  const owner = kind.owner(account, found.id);
  const root = await follow(context, kind, owner, await storage.pointers.get(owner.key, options), options);
  return root && bears(root, found.key) ? root : undefined;
}

/** Whether a reader who followed the name `key` sees it. */
export function bears<D extends DescMessage>(
  root: Parameters<typeof isPresent>[0],
  key: string,
): root is Loaded<D> {
  return isPresent(root) && namesOf(root).includes(key);
}

/** The id that a name pointer holds. */
export function idIn(row: Pointer | undefined): string | undefined {
  return row?.kind === 'value' ? row.value : undefined;
}

function guessIds(names: RepositoryContext['names'], path: readonly NameStep[]): string[] | undefined {
  const ids: string[] = [];
  for (const step of path) {
    const id = names.get(step.key(ids.at(-1) ?? ''));
    if (id === undefined) return undefined;
    ids.push(id);
  }
  return ids;
}

function remember(
  names: RepositoryContext['names'],
  key: string,
  row: Pointer | undefined,
): ResolvedName | undefined {
  const id = idIn(row);
  if (id === undefined || row === undefined) {
    names.delete(key);
    return undefined;
  }
  names.set(key, id);
  return { key, id, row };
}
