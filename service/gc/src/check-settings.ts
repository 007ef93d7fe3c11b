import { InvalidArgumentError } from '@floecat/storage-spi';

import type { GcSettings } from './settings.ts';
import { COLLECTORS } from './settings.ts';

/** Throws `InvalidArgumentError` unless every number is one and in its range: `NaN` compares as false to everything. */
export function checkSettings(settings: GcSettings): void {
  for (const name of COLLECTORS) {
    const own = settings[name];
    if (typeof own.enabled !== 'boolean')
      throw new InvalidArgumentError(`gc: ${name}.enabled must be true or false`, { operation: 'gc' });
    check(`${name}.tickEveryMs`, own.tickEveryMs, 1);
    check(`${name}.pageSize`, own.pageSize, 1, 1_000);
    check(`${name}.batchLimit`, own.batchLimit, 1);
    check(`${name}.sliceMs`, own.sliceMs, 0);
    check(`${name}.maxTickMs`, own.maxTickMs, 0);
    check(`${name}.accountsPageSize`, own.accountsPageSize, 1, 1_000);
  }
  check('idempotency.minAgeMs', settings.idempotency.minAgeMs, 0);
  check('tombstoneTtlMs', settings.tombstoneTtlMs, 0);
  check('maxDeleteRatio', settings.maxDeleteRatio, 0, 1);
}

function check(name: string, value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): void {
  if (typeof value === 'number' && value >= min && value <= max) return;
  throw new InvalidArgumentError(
    `gc: ${name} is ${String(value)}; it must be a number from ${min} to ${max}`,
    { operation: 'gc' },
  );
}
