import type { Pointer } from '@floecat/storage-spi';

/**
 * What a plan can do. Each one names the rows as they were seen; what has changed since is left alone. What is replaced
 * stays: a blob's old version as a noncurrent one, a row in the plan and in its record.
 */
export type Repair =
  /** Put the version `versionId` of a blob anew, as the current one. */
  | {
      readonly do: 'rescue-blob';
      readonly uri: string;
      readonly versionId: string;
      /** Bytes. */
      readonly size: number;
      /** Row of the owner that needs it. */
      readonly owner: Pointer;
    }
  /** Write the row of a name that its owner has, if the key is free and no rival has the name. */
  | {
      readonly do: 'add-name';
      readonly name: string;
      readonly id: string;
      readonly rivals: readonly string[];
      readonly owner: Pointer;
    }
  /** Delete the row of a name that leads nowhere. `owner` is the row of what it leads to, if there is one. */
  | {
      readonly do: 'delete-name';
      readonly row: Pointer;
      readonly ownerKey: string;
      readonly owner?: Pointer;
    }
  /** Give an owner the content of its version before, as a new version: what the lost one changed is given up. */
  | {
      readonly do: 'roll-back';
      readonly owner: Pointer;
      /** Root blob of the version before, and when it was written. */
      readonly to: { readonly uri: string; readonly version: number; readonly timeMs: number };
    }
  /** Write the root of a tombstone anew, so that what was dropped stays dropped. */
  | { readonly do: 'bury-again'; readonly owner: Pointer };

/** Whether a person has to choose it, because something acknowledged is given up by it. */
export function needsChoice(repair: Repair): boolean {
  return repair.do === 'roll-back';
}
