import type { Interception } from './store-calls.ts';

/** What a process that was killed would not live to see. */
export class Crash extends Error {
  constructor() {
    super('the process is dead');
    this.name = 'Crash';
  }
}

/** Where a process dies: at its nth store call, before it is made or just after. Every call after that fails too. */
export interface CrashPoint {
  readonly call: number;
  readonly when: 'before' | 'after';
}

/** Dies at a point. `reached` says whether it came to that; without a point it only counts. */
export function crashAt(point?: CrashPoint): {
  readonly intercept: Interception;
  reached(): boolean;
  calls(): number;
} {
  let calls = 0;
  let dead = false;
  const intercept: Interception = async (_call, proceed) => {
    if (dead) throw new Crash();
    const here = ++calls === point?.call;
    if (here && point.when === 'before') {
      dead = true;
      throw new Crash();
    }
    const result = await proceed();
    if (here) dead = true;
    if (dead) throw new Crash();
    return result;
  };
  return { intercept, reached: () => dead, calls: () => calls };
}
