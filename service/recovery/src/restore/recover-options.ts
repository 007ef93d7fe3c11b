import type { PointerSource } from '../walk/owner-evidence.ts';
import type { Listener } from './outcome.ts';

/** The backup that is restored from. */
export interface RestoredBackup extends PointerSource {
  /** Epoch ms, by the store's clock: before its first pointer was read. */
  readonly startedAt: number;
}

export interface RecoverOptions extends Listener {
  readonly backup?: RestoredBackup;
  /** Default: all that the directory, the backup and the blobs tell of. */
  readonly accounts?: readonly string[];
  /** Ids of the only tables that come back, with what hangs on them and what they lie in. */
  readonly tables?: readonly string[];
  /** Epoch ms: bring back what was there then. */
  readonly asOf?: number;
  /** Only tell what would be done. */
  readonly dryRun?: boolean;
  /** Put older content over a newer state, as a new version. Default false: what is newer stays. */
  readonly rollBack?: boolean;
  /** What a person decided, by write id. */
  readonly decided?: ReadonlyMap<string, 'applied' | 'rejected'>;
}
