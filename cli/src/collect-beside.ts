import type { BackgroundWork } from '@floecat/catalog';
import type { CollectorObserver, Settings } from '@floecat/config';
import type { RunReport } from '@floecat/gc';
import { runCollectors } from '@floecat/gc';
import type { Storage } from '@floecat/storage-spi';

import { keptBackups } from './backup-target.ts';

/** Collects garbage beside the service; logs what came of it, and tells `observer`. */
export async function collectBeside(
  storage: Storage,
  settings: Settings,
  { signal, log }: BackgroundWork,
  observer?: CollectorObserver,
): Promise<void> {
  await using backups = keptBackups(storage, settings);
  await runCollectors(storage, settings.gc, {
    signal,
    readBackup: backups.read,
    onReport: (report) => {
      observer?.ran(report);
      logReport(report, log);
    },
    onError: (collector, err) => {
      observer?.failed(collector, err);
      log.error({ collector, err }, 'a collector could not run; it is tried again at its next tick');
    },
  });
}

function logReport(report: RunReport, log: BackgroundWork['log']): void {
  const { collector, id, accounts, unfinished, problems } = report;
  const counts = Object.fromEntries(Object.entries(report.counts).filter(([, count]) => count > 0));
  const ms = report.endedAt - report.startedAt;
  const facts = { collector, run: id, ms, accounts, unfinished, counts };
  switch (report.outcome) {
    case 'failed':
      log.error({ ...facts, problems }, 'a collector failed in part; nothing is lost, and it is tried again');
      break;
    case 'refused':
      log.warn({ ...facts, problems }, 'a collector refused to go on; see floecat gc status');
      break;
    default:
      log.info(facts, 'collected garbage');
  }
}
