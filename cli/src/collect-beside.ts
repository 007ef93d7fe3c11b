import type { BackgroundWork } from '@floecat/catalog';
import type { Settings } from '@floecat/config';
import type { RunReport } from '@floecat/gc';
import { runCollectors } from '@floecat/gc';
import type { Storage } from '@floecat/storage-spi';

/** Collects garbage beside the service, and logs what came of it. */
export function collectBeside(
  storage: Storage,
  settings: Settings,
  { signal, log }: BackgroundWork,
): Promise<void> {
  return runCollectors(storage, settings.gc, {
    signal,
    onReport: (report) => logReport(report, log),
    onError: (collector, err) =>
      log.error({ collector, err }, 'a collector could not run; it is tried again at its next tick'),
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
