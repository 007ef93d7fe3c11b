import { collectorStatesPrefix, leaseKey } from '@floecat/repository';
import type { Storage } from '@floecat/storage-spi';
import { lastSegment } from '@floecat/storage-spi';

import type { CasCounts, CasState } from './cas-state.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';
import type { LeaseHolder } from './lease.ts';
import type { GcOptions } from './open-gc.ts';
import { gcContext } from './open-gc.ts';
import type { RunReport } from './run-report.ts';
import { lastRuns } from './run-report.ts';
import type { CollectorName, GcSettings } from './settings.ts';
import { COLLECTORS } from './settings.ts';
import type { Problem } from './slice-result.ts';
import { parseState } from './system-state.ts';

/** What the blob collector is at in one account. */
export interface AccountStatus {
  readonly account: string;
  readonly phase: 'idle' | 'marking' | 'sweeping';
  /** Of the mark under way, else of the last whole pass. */
  readonly counts?: CasCounts;
  /** The pass whose list of condemned blobs is in force, and when it began (epoch ms). */
  readonly pass?: string;
  readonly markedAt?: number;
  readonly condemned?: number;
  readonly condemnedBytes?: number;
  /** Why the last pass did not end as it should. */
  readonly trouble?: Problem & { readonly at: number };
}

export interface GcStatus {
  readonly collectors: readonly {
    readonly collector: CollectorName;
    readonly enabled: boolean;
    /** Who collects at this moment. */
    readonly running?: LeaseHolder;
    /** Newest first. */
    readonly runs: readonly RunReport[];
  }[];
  /** Accounts of the blob collector, at most 1,000. */
  readonly accounts: readonly AccountStatus[];
}

/** What the collectors are at, and what their last runs did. */
export async function gcStatus(
  storage: Storage,
  settings: GcSettings,
  options: GcOptions & { readonly runs?: number } = {},
): Promise<GcStatus> {
  const context = await gcContext(storage, settings, options);
  const { runs = 3 } = options;
  const collectors: GcStatus['collectors'][number][] = [];
  for (const collector of COLLECTORS) {
    const lease = await storage.system.get(leaseKey(collector), callOf(context));
    collectors.push({
      collector,
      enabled: settings[collector].enabled,
      ...(lease && { running: parseState<LeaseHolder>(lease) }),
      runs: await lastRuns(context, collector, runs),
    });
  }
  return { collectors, accounts: await accountStatuses(context) };
}

async function accountStatuses(context: GcContext): Promise<AccountStatus[]> {
  const { pointers } = await context.storage.system.listPointersByPrefix(
    collectorStatesPrefix('cas'),
    callOf(context),
  );
  return pointers.map((row) => {
    const { list, mark, sweep, trouble } = parseState<CasState>(row);
    const counts = mark?.counts ?? list?.counts;
    return {
      account: lastSegment(row.key),
      phase: sweep ? 'sweeping' : mark ? 'marking' : 'idle',
      ...(counts && { counts }),
      ...(list && {
        pass: list.pass,
        markedAt: list.startedAt,
        condemned: list.counts.condemned - list.counts.deleted,
        condemnedBytes: list.counts.condemnedBytes - list.counts.deletedBytes,
      }),
      ...(trouble && { trouble }),
    };
  });
}
