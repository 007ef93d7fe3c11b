/** Days since 1970-01-01 of an ISO date. */
export function days(date: string): number {
  return millis(date) / 86_400_000;
}

/** Epoch ms of an ISO date or date and time; UTC where it names no zone. */
export function millis(moment: string): number {
  const ms = Date.parse(moment.length > 10 && !moment.endsWith('Z') ? `${moment}Z` : moment);
  if (Number.isNaN(ms)) throw new RangeError(`${moment} is no ISO date`);
  return ms;
}

/** Epoch microseconds of an ISO date and time, which may have six digits after the point. */
export function micros(moment: string): bigint {
  const match = /^(.+?)(?:\.(\d{1,6}))?(Z?)$/.exec(moment);
  const whole = BigInt(millis(`${match?.[1]}${match?.[3]}`)) * 1000n;
  return whole + BigInt((match?.[2] ?? '').padEnd(6, '0'));
}

/** Microseconds since midnight of `HH:MM:SS`. */
export function timeOfDay(time: string): bigint {
  return micros(`1970-01-01T${time}`);
}
