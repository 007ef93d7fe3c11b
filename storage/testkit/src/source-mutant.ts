import { registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A bug, as a change of one place in a source file. */
export interface SourceMutant {
  /** What is wrong. */
  readonly bug: string;
  /** Part of the name of the tests that it fails. */
  readonly law: string;
  /** Below the folder of the sources. */
  readonly file: string;
  /** What stands there, exactly once. */
  readonly find: string;
  readonly put: string;
}

interface Planted {
  readonly root: string;
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

const planted = new Map<string, Planted>();

/** What a mutant imports from its own sources is the mutant's too, and one of them has the bug in it. */
const HOOKS: Parameters<typeof registerHooks>[0] = {
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const number = numberOf(context.parentURL);
    const root = planted.get(number)?.root;
    return root !== undefined && resolved.url.startsWith(root)
      ? { ...resolved, url: `${resolved.url}?mutant=${number}` }
      : resolved;
  },
  load(url, context, next) {
    const loaded = next(url, context);
    const bug = planted.get(numberOf(url));
    if (!bug || !url.startsWith(`${bug.file}?`)) return loaded;
    const source = Buffer.from(loaded.source as Uint8Array | string).toString('utf8');
    const parts = source.split(bug.find);
    if (parts.length !== 2)
      throw new Error(
        `${fileURLToPath(bug.file)} has ${parts.length - 1} times, not once: ${bug.find}\n(the mutant has to follow the code)`,
      );
    return { ...loaded, source: parts.join(bug.put) };
  },
};

function numberOf(url: string | undefined): string {
  return /\?mutant=(\d+)$/.exec(url ?? '')?.[1] ?? '';
}

/**
 * Imports a second copy of the sources below `root` (a folder, with a slash at its end), with a bug planted in one of
 * them. Throws where the place of the bug is not there exactly once: a mutant has to follow the code that it changes.
 */
export async function importMutant<T>(
  root: URL,
  entry: string,
  { file, find, put }: Pick<SourceMutant, 'file' | 'find' | 'put'>,
): Promise<T> {
  if (planted.size === 0) registerHooks(HOOKS);
  const number = String(planted.size + 1);
  const at = (path: string): string => pathToFileURL(fileURLToPath(new URL(path, root))).href;
  planted.set(number, { root: at('.'), file: at(file), find, put });
  return (await import(`${at(entry)}?mutant=${number}`)) as T;
}
