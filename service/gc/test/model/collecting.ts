import type { Process } from './process.ts';

/**
 * Which processes collect at this moment. What a run may not fail of alone, it may fail of beside another one, or beside
 * a backup that is registered and not whole yet.
 */
export class Collecting {
  readonly #running = new Set<Process>();
  readonly #disturbed = new Set<Process>();
  #isBackupBroken = false;

  begin(process: Process): void {
    this.#running.add(process);
    this.#disturbed.delete(process);
    if (this.#running.size > 1) for (const each of this.#running) this.#disturbed.add(each);
  }

  /** Answers whether it was alone all the while. */
  end(process: Process): boolean {
    this.#running.delete(process);
    return !this.#isBackupBroken && !this.#disturbed.has(process);
  }

  /** A backup is being taken, and may never be whole. */
  disturb(): void {
    this.#isBackupBroken = true;
  }
}
