import type { BackupTarget } from '@floecat/recovery';

/** A target in memory, whose files a test may look at and change. */
export class MemoryTarget implements BackupTarget {
  readonly location = 'memory://backups';
  readonly files = new Map<string, Uint8Array>();

  async put(name: string, bytes: Uint8Array): Promise<void> {
    this.files.set(name, Uint8Array.from(bytes));
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    return this.files.get(name);
  }

  async *list(prefix: string): AsyncGenerator<string> {
    yield* [...this.files.keys()].filter((name) => name.startsWith(prefix)).toSorted();
  }

  async delete(name: string): Promise<void> {
    this.files.delete(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
