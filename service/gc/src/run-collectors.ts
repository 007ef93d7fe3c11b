import type { Storage } from '@floecat/storage-spi';
import { systemClock } from '@floecat/storage-spi';

import type { GcOptions } from './open-gc.ts';
import { gcContext } from './open-gc.ts';
import { runCollector } from './run-collector.ts';
import type { RunReport } from './run-report.ts';
import type { CollectorName, GcSettings } from './settings.ts';
import { COLLECTORS } from './settings.ts';

export interface ScheduleOptions extends GcOptions {
  readonly signal: AbortSignal;
  /** Told of each run of this process. */
  readonly onReport?: (report: RunReport) => void;
  /** Told what kept a run from beginning or from being told; it is tried again at the next tick. */
  readonly onError?: (collector: CollectorName, error: unknown) => void;
}

/**
 * Runs every enabled collector every `tickEveryMs`, side by side, until the signal is given; then resolves once they have
 * stopped. Of many processes that do so one makes each run: a run is not begun within `tickEveryMs` of the last.
 */
export async function runCollectors(
  storage: Storage,
  settings: GcSettings,
  options: ScheduleOptions,
): Promise<void> {
  const enabled = COLLECTORS.filter((name) => settings[name].enabled);
  await Promise.all(enabled.map((name) => schedule(storage, settings, options, name)));
}

async function schedule(
  storage: Storage,
  settings: GcSettings,
  options: ScheduleOptions,
  collector: CollectorName,
): Promise<void> {
  const { signal, clock = systemClock, onReport, onError } = options;
  const { tickEveryMs, maxTickMs } = settings[collector];
  while (!signal.aborted) {
    const began = clock.monotonic();
    let waitMs = tickEveryMs;
    try {
      const context = await gcContext(storage, settings, options);
      const result = await runCollector(context, collector, { maxMs: maxTickMs, notWithinMs: tickEveryMs });
      if (result.ran) onReport?.(result.report);
      else if ('dueInMs' in result) waitMs = Math.min(result.dueInMs, tickEveryMs);
    } catch (error) {
      if (!signal.aborted) onError?.(collector, error);
    }
    const pause = Math.max(0, began + waitMs - clock.monotonic());
    await clock.sleep(pause, signal).catch(() => undefined);
  }
}
