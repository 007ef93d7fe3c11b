import type { Rate } from '@floecat/recovery';
import { InvalidArgumentError } from '@floecat/storage-spi';

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KIB: 1024,
  MIB: 1024 ** 2,
  GIB: 1024 ** 3,
};

/** `1%` or `0.01`. */
export function parseShare(text: string): number {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const share = Number(number) / (percent === '%' ? 100 : 1);
  if (share > 0 && share <= 1) return share;
  throw new InvalidArgumentError(
    `--sample ${text}: it is a share such as 1% or 0.01, more than 0 and at most 100%`,
  );
}

/** `200` requests, `20MB`; the last of each counts. */
export function parseRates(texts: readonly string[]): Rate {
  let rate: Rate = {};
  for (const text of texts) {
    const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text) ?? [];
    const value = Number(number);
    const bytes = UNITS[unit.toUpperCase()];
    if (!(value > 0) || (unit !== '' && bytes === undefined))
      throw new InvalidArgumentError(
        `--rate ${text}: it is requests a second, such as 200, or bytes, such as 20MB`,
      );
    rate =
      bytes === undefined
        ? { ...rate, requestsPerSecond: value }
        : { ...rate, bytesPerSecond: value * bytes };
  }
  return rate;
}
