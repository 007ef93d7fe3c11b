import { compareUtf8 } from '@floecat/storage-spi';

/**
 * Puts names that come in the order of keys into the order of folders: `a` stands before `a-b` as a key, and `a-b/`
 * before `a/` as a folder. Holds back only names that others go on from.
 */
export async function* inFolderOrder<T>(
  items: AsyncIterable<T>,
  nameOf: (item: T) => string,
): AsyncGenerator<T> {
  const held: T[] = [];
  for await (const item of items) {
    for (let last = held.at(-1); last !== undefined; last = held.at(-1)) {
      if (compareFolders(nameOf(item), nameOf(last)) < 0) break;
      yield held.pop() as T;
    }
    held.push(item);
  }
  yield* held.toReversed();
}

export function compareFolders(a: string, b: string): number {
  return compareUtf8(`${a}/`, `${b}/`);
}

/** A name that no folder behind that of `name` stands before in the order of keys. */
export function keyToStartAt(name: string): string {
  const cut = name.search(/[ -.]/);
  return cut < 0 ? name : name.slice(0, cut);
}
