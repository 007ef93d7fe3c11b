import type { ValueType } from './value-type.ts';
import { accept, refuse } from './value-type.ts';

const DIGITS = /^(?:0|[1-9]\d*)$/;

/** A whole number in decimal digits, within limits. */
export function wholeNumber(min: number, max: number, unit?: string): ValueType<number> {
  return {
    accepts: `a whole number ${unit === undefined ? '' : `of ${unit} `}from ${min} to ${max}`,
    parse: (text) => {
      const value = DIGITS.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? accept(value) : refuse();
    },
  };
}

/** A part of a whole, such as `0.5`. */
export const fraction: ValueType<number> = {
  accepts: 'a number from 0 to 1, such as 0.5',
  parse: (text) =>
    /^(?:0|1|0?\.\d+|[01]\.\d+)$/.test(text) && Number(text) <= 1 ? accept(Number(text)) : refuse(),
};

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 24 * 3_600_000,
};

/** A duration such as `7d`; the unit is required. The value is in milliseconds. `min` and `max` are durations too. */
export function duration(min: string, max: string): ValueType<number> {
  const [least, most] = [milliseconds(min), milliseconds(max)];
  return {
    accepts: `a whole number with its unit (ms, s, m, h or d), from ${min} to ${max}`,
    parse: (text) => {
      const value = milliseconds(text);
      return value >= least && value <= most ? accept(value) : refuse();
    },
  };
}

function milliseconds(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+)([a-z]+)$/.exec(text) ?? [];
  return DIGITS.test(digits) ? Number(digits) * (UNITS[unit] ?? NaN) : NaN;
}
