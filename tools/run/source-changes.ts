import type { FSWatcher } from 'node:fs';
import { globSync, watch } from 'node:fs';
import { join, relative } from 'node:path';

/** The folders that the server is made of. */
const SOURCES = ['cli/src', 'service/*/src', 'storage/{spi,memory,local,aws}/src', 'proto/gen'];
/** An editor that saves many files, or a checkout, counts as one change. */
const SETTLED_MS = 100;

/** Watches the sources of a checkout until disposed of. */
export class SourceChanges implements Disposable {
  /** Resolves with the first file that has changed, once no other has for a moment. */
  readonly settled: Promise<string>;
  readonly #watchers: FSWatcher[];
  #timer: NodeJS.Timeout | undefined;

  constructor(root: string) {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.settled = promise;
    let first: string | undefined;
    // Folders rather than files: a file that is replaced, as editors do, would be lost from sight.
    const folders = globSync(
      SOURCES.flatMap((folder) => [folder, `${folder}/**/`]),
      { cwd: root },
    );
    this.#watchers = [...new Set(folders.map((folder) => join(root, folder)))].map((folder) =>
      watch(folder, (_event, name) => {
        first ??= relative(root, name === null ? folder : join(folder, name));
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => resolve(first as string), SETTLED_MS);
      }).on('error', reject),
    );
    if (this.#watchers.length === 0) throw new Error(`no sources below ${root}`);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }
}
