import { createHash } from 'node:crypto';

import { pardonsPrefix } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';

import type { CondemnedBlob } from './condemned.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';

/** The condemnations of one account that were taken back and are still in a list. */
export class Pardons {
  readonly rows: readonly Pointer[];
  readonly #what: ReadonlySet<string>;

  private constructor(rows: readonly Pointer[]) {
    this.rows = rows;
    this.#what = new Set(rows.map((row) => (row.kind === 'value' ? row.value : '')));
  }

  static async read(context: GcContext, account: string): Promise<Pardons> {
    const prefix = pardonsPrefix(account);
    const rows: Pointer[] = [];
    let pageToken: string | undefined;
    do {
      const page = await context.storage.system.listPointersByPrefix(prefix, {
        ...callOf(context),
        ...(pageToken && { pageToken }),
      });
      rows.push(...page.pointers);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return new Pardons(rows);
  }

  /** Whether the blob, or the run that condemned it, was pardoned. */
  has({ uri, run }: Pick<CondemnedBlob, 'uri' | 'run'>): boolean {
    return this.#what.has(uri) || this.#what.has(run);
  }
}

/** The row of a pardon of `what`, a URI or a run. */
export function pardonKey(account: string, what: string): string {
  return pardonsPrefix(account) + createHash('sha256').update(what).digest('hex');
}
