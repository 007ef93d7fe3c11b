import assert from 'node:assert/strict';
import { setImmediate as drained } from 'node:timers/promises';

import { GC_CLOCK_KEY } from '@floecat/repository';
import { StorageUnavailableError, StorageUnknownOutcomeError } from '@floecat/storage-spi';

import { GivenUp } from './ended.ts';
import type { ModelWorld } from './model-world.ts';
import { GRACE_MS } from './model-world.ts';
import { MAX_FLIGHT_MS } from './oracle.ts';
import type { Missing } from './oracle.ts';
import type { Event, FaultKind, Plan } from './plan.ts';
import type { Call, Fate, Process } from './process.ts';

type Of<W extends Event['what']> = Extract<Event, { readonly what: W }>;

/** A commit that came so late that its blobs were collected before it; its process is to put them again. */
interface Window {
  readonly process: Process;
  readonly operation: number;
  readonly missing: readonly Missing[];
}

/**
 * Delivers the calls of the processes to the stores, one at a time, in the order that the plan says, with what it says
 * comes between them; after each the oracle looks at the stores.
 */
export class Scheduler {
  readonly #world: ModelWorld;
  readonly #processes: readonly Process[];
  readonly #events: Event[];
  #current = 0;
  /** Delivered since the last event. */
  #delivered = 0;
  #fault: { readonly kind: FaultKind; times: number } | undefined;
  #nth = 0;
  #late: Call[] = [];
  #window: Window | undefined;

  constructor(world: ModelWorld, processes: readonly Process[], { events }: Plan) {
    this.#world = world;
    this.#processes = processes;
    this.#events = [...events];
  }

  /** Until no process asks for anything any more, and nothing is under way. */
  async run(): Promise<void> {
    for (;;) {
      await drained();
      if (this.#world.failure !== undefined) throw this.#world.failure;
      await this.#closeWindow();
      if (!this.#window && (await this.#applyEvent())) continue;
      const call = this.#next();
      if (call) await this.#deliver(call);
      else if (!this.#wake()) {
        const late = this.#late.shift();
        if (!late) return;
        await this.#land(late);
      }
    }
  }

  /** The call that is next: of the process whose turn it is, if it has one. */
  #next(): Call | undefined {
    if (this.#window) return this.#take(this.#window.process, 0);
    const { length } = this.#processes;
    for (let i = 0; i < length; i++) {
      const at = (this.#current + i) % length;
      const process = this.#processes[at] as Process;
      if (process.isStalled || process.calls.length === 0) continue;
      this.#current = at;
      const call = this.#take(process, this.#nth);
      this.#nth = 0;
      return call;
    }
    return undefined;
  }

  #take(process: Process, nth: number): Call | undefined {
    const [call] = process.calls.splice(nth % Math.max(1, process.calls.length), 1);
    return call;
  }

  /** Nothing else can move: those who stand still go on. */
  #wake(): boolean {
    const stalled = this.#processes.filter((process) => process.isStalled);
    for (const process of stalled) process.isStalled = false;
    return stalled.length > 0;
  }

  async #deliver(call: Call): Promise<void> {
    const { process, name } = call;
    this.#world.tally.steps++;
    this.#delivered++;
    const isOwn = name.startsWith('clock.');
    const fault = isOwn || this.#window ? undefined : this.#takeFault(call);
    if (fault === undefined) {
      let answer: unknown;
      try {
        answer = await this.#make(call);
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        call.reject(error);
        await this.#fireLater(process);
        return;
      }
      call.resolve(answer);
    } else {
      process.isDisturbed = true;
      this.#world.tally.faults++;
      const context = { operation: name };
      if (fault === 'unavailable') call.reject(new StorageUnavailableError(`${name}: throttled`, context));
      else {
        if (fault === 'unknown-applied') await this.#make(call).catch(onlyFindings);
        if (fault === 'unknown-late') this.#late.push(call);
        call.reject(new StorageUnknownOutcomeError(`${name}: the answer was lost`, context));
      }
    }
    await this.#fireLater(process);
    if (isOwn) this.#timeMoved();
  }

  /** A read that fails was simply not answered. */
  #takeFault({ isWrite }: Call): FaultKind | undefined {
    if (!this.#fault) return undefined;
    const { kind } = this.#fault;
    if (--this.#fault.times === 0) this.#fault = undefined;
    return isWrite ? kind : 'unavailable';
  }

  /** Makes a call at last, and looks at what became of the stores. */
  async #make(call: Call): Promise<unknown> {
    const { name, args, isWrite } = call;
    const { oracle } = this.#world;
    if (call.isForbidden)
      assert.equal(name === 'system.compareAndSet' && args[0], GC_CLOCK_KEY, `a dry run made ${name}`);
    const answer = await call.deliver();
    if (!isWrite) return answer;
    // What is put again is seen before its process can say that it was done.
    if (this.#window && name === 'blobs.put') await oracle.missing();
    if (name.startsWith('pointers.')) {
      const isSlow = !call.isAbandoned && call.process.isSlowerThan(GRACE_MS / 2);
      this.#judge(call, isSlow, await oracle.pointersMoved(isSlow));
    }
    if (name.startsWith('blobs.delete')) await oracle.blobsDeleted(String(args[0]));
    return answer;
  }

  /** Blobs may only be missing after a commit that came later than the grace, and only until its process is told. */
  #judge({ process }: Call, isSlow: boolean, missing: readonly Missing[]): void {
    if (missing.length === 0) return;
    assert.ok(isSlow, `a commit leads to blobs that are not there: ${JSON.stringify(missing)}`);
    this.#window = { process, operation: process.operation, missing };
    process.isStalled = false;
  }

  /** Whether all that was missing is there again; it has to be once its process says that it was done. */
  async #closeWindow(): Promise<void> {
    if (!this.#window) return;
    const { process, operation } = this.#window;
    const isUnderWay = process.calls.length > 0 && process.operation === operation;
    const left = await this.#world.oracle.missing();
    if (left.length === 0) {
      this.#window = undefined;
      this.#world.tally.mended++;
    } else assert.ok(isUnderWay, `a slow commit was left as it is: ${JSON.stringify(left)}`);
  }

  /** Applies the event that is due; answers whether one was. */
  async #applyEvent(): Promise<boolean> {
    const [event] = this.#events;
    if (!event || event.after > this.#delivered) return false;
    this.#events.shift();
    this.#delivered = 0;
    await this.#apply(event);
    return true;
  }

  async #apply(event: Event): Promise<void> {
    const { time, oracle } = this.#world;
    const current = this.#processes[this.#current] as Process;
    switch (event.what) {
      case 'switch': {
        const late = event.to >= this.#processes.length ? this.#late.shift() : undefined;
        if (late) return this.#land(late);
        this.#current = event.to % this.#processes.length;
        return undefined;
      }
      case 'reorder':
        this.#nth = event.nth;
        return undefined;
      case 'fault':
        this.#fault = { kind: event.kind, times: event.times };
        return undefined;
      case 'abort':
        return this.#abort(current, event.fate);
      case 'crash':
        return this.#crash(current, event.fate);
      case 'stall':
        current.isStalled = true;
        return undefined;
      case 'elapse':
        return this.#elapse(event);
      case 'skew': {
        const process = this.#processes[event.process % this.#processes.length] as Process;
        process.clock.skew = event.milliseconds;
        return undefined;
      }
      case 'set-clocks':
        time.set(event.milliseconds);
        return oracle.timeMoved();
    }
  }

  async #abort(process: Process, fate: Fate): Promise<void> {
    if (!process.abort) return;
    process.isDisturbed = true;
    this.#world.tally.ends++;
    const calls = process.calls.filter(({ isWrite }) => isWrite);
    await this.#beforehand(calls, fate);
    process.abort.abort(new GivenUp('the caller gave up'));
    this.#settleAbandoned(process, fate);
  }

  async #crash(process: Process, fate: Fate): Promise<void> {
    this.#world.tally.ends++;
    const calls = process.calls.filter(({ isWrite }) => isWrite);
    await this.#beforehand(calls, fate);
    process.die();
    if (fate === 'late') this.#late.push(...calls);
  }

  /** Writes that arrive although nobody hears of it. */
  async #beforehand(calls: readonly Call[], fate: Fate): Promise<void> {
    if (fate !== 'applied') return;
    for (const call of calls) {
      if (this.#isTooOld(call)) continue;
      call.isAbandoned = true;
      [call.outcome] = await Promise.allSettled([this.#make(call)]);
      if (call.outcome.status === 'rejected') onlyFindings(call.outcome.reason);
    }
  }

  /** Those calls whose callers have gone. One that cannot be given up is answered as ever. */
  #settleAbandoned(process: Process, fate: Fate): void {
    const calls = process.calls;
    process.calls = calls.filter(({ isGone, outcome }) => !isGone && !outcome);
    for (const call of calls) {
      const { isGone, isWrite, outcome } = call;
      if (isGone) {
        if (fate === 'late' && isWrite) this.#late.push(call);
      } else if (outcome?.status === 'fulfilled') call.resolve(outcome.value);
      else if (outcome) call.reject(outcome.reason);
    }
  }

  /** What was under way arrives after all, unless it is older than any request. */
  async #land(call: Call): Promise<void> {
    if (this.#isTooOld(call)) return;
    call.isAbandoned = true;
    this.#world.tally.late++;
    await this.#make(call).catch(onlyFindings);
  }

  #isTooOld({ madeAt }: Call): boolean {
    const { elapsed, wall } = this.#world.time;
    return Math.max(elapsed - madeAt.elapsed, wall - madeAt.wall) > MAX_FLIGHT_MS;
  }

  async #elapse({ milliseconds, deadlines }: Of<'elapse'>): Promise<void> {
    const { time } = this.#world;
    const late = this.#processes.filter((process) => process.clock.isLateIn(milliseconds));
    if (deadlines === 'applied')
      for (const { calls } of late)
        await this.#beforehand(
          calls.filter(({ isWrite }) => isWrite),
          'applied',
        );
    time.pass(milliseconds);
    if (deadlines !== 'after-answer')
      for (const process of late) {
        process.isDisturbed = true;
        process.clock.fire();
        await drained();
        this.#settleAbandoned(process, deadlines);
      }
    this.#timeMoved();
  }

  /** Deadlines that have passed fire with the next answer, and at once where none is awaited. */
  #timeMoved(): void {
    this.#world.oracle.timeMoved();
    for (const process of this.#processes) {
      if (!process.clock.isLate) continue;
      process.isDisturbed = true;
      if (process.calls.length === 0) process.clock.fire();
      else process.firesLater = true;
    }
  }

  async #fireLater(process: Process): Promise<void> {
    if (!process.firesLater) return;
    process.firesLater = false;
    process.clock.fire();
    await drained();
    this.#settleAbandoned(process, 'lost');
  }
}

/** What a call that nobody waits for fails of is nobody's, unless the oracle found it. */
function onlyFindings(error: unknown): void {
  if (error instanceof assert.AssertionError) throw error;
}
