import type { Storage } from '@floecat/storage-spi';

import type { OnCandidate } from './dry-run.ts';
import { dryRun } from './dry-run.ts';
import type { GcContext } from './gc-context.ts';
import type { LeaseHolder } from './lease.ts';
import type { GcOptions } from './open-gc.ts';
import { gcContext } from './open-gc.ts';
import { runCollector } from './run-collector.ts';
import type { RunReport } from './run-report.ts';
import type { CollectorName, GcSettings } from './settings.ts';
import { COLLECTORS } from './settings.ts';

export interface CollectOptions extends GcOptions {
  /** Default: all that are enabled. One that is named runs in any case. */
  readonly only?: readonly CollectorName[];
  /** Default: every account. */
  readonly accounts?: readonly string[];
  /** Only tells what would be done. Default false. */
  readonly dryRun?: boolean;
  /** Told, with `dryRun`, of each row and blob version that would go. */
  readonly onCandidate?: OnCandidate;
}

/** How the run of one collector ended. */
export type Collected =
  | { readonly collector: CollectorName; readonly ran: true; readonly report: RunReport }
  /** Another process collects. */
  | { readonly collector: CollectorName; readonly ran: false; readonly busy: LeaseHolder };

/**
 * Runs collectors once, one after another, each until nothing is left to do. What is refused or fails is in the reports;
 * thrown is only what keeps a run from beginning.
 */
export async function collectOnce(
  storage: Storage,
  settings: GcSettings,
  options: CollectOptions = {},
): Promise<Collected[]> {
  return collectWith(await gcContext(storage, settings, options), options);
}

export async function collectWith(context: GcContext, options: CollectOptions): Promise<Collected[]> {
  const { accounts, onCandidate } = options;
  const only = options.only ?? COLLECTORS.filter((name) => context.settings[name].enabled);
  const results: Collected[] = [];
  for (const collector of COLLECTORS) {
    if (!only.includes(collector)) continue;
    if (options.dryRun) {
      const report = await dryRun(context, collector, {
        ...(accounts && { accounts }),
        ...(onCandidate && { onCandidate }),
      });
      results.push({ collector, ran: true, report });
      continue;
    }
    const result = await runCollector(
      { ...context, startsAnew: true },
      collector,
      accounts ? { accounts } : {},
    );
    if (result.ran) results.push({ collector, ran: true, report: result.report });
    else if ('busy' in result) results.push({ collector, ran: false, busy: result.busy });
  }
  return results;
}
