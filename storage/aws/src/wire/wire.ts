import type { Clock, RandomSource, RequestFacts, StorageObserver } from '@floecat/storage-spi';
import {
  failureCodeOf,
  quietly,
  runWithin,
  StorageAbortRetryableError,
  StorageUnavailableError,
  StorageUnknownOutcomeError,
} from '@floecat/storage-spi';

import type { WireSettings } from '../aws-defaults.ts';
import { backoff } from './backoff.ts';
import { classify, refusedTwice } from './classify.ts';
import type { Failure, WireCall } from './failure.ts';
import type { RetryBudget } from './retry-budget.ts';
import { processRetryBudget } from './retry-budget.ts';
import { RequestTally, storeOfAction } from './request-tally.ts';

export interface WireConfig {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly settings: WireSettings;
  /** Default: the one of the process. */
  readonly budget?: RetryBudget;
  /** Fetches new credentials; called once for a request that was refused for expired ones. */
  readonly refreshCredentials?: () => Promise<void>;
  /** Told of every request and each attempt. Default: nobody, at no cost. */
  readonly observer?: StorageObserver;
}

/** One attempt, as the function that makes it sees it. */
export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  /** Aborted when the attempt's time is over or the caller gives up. Hand it to the request. */
  readonly signal: AbortSignal;
  /** Whether an earlier attempt of this write may have been applied, so that a refusal needs settling. */
  readonly mayHaveLanded: boolean;
  /** Where to count what an observed request moves and is charged; absent where nobody looks. */
  readonly tally: RequestTally | undefined;
}

/**
 * The one place where requests are tried again: a timeout for each attempt that really aborts it, backoff with full
 * jitter, a deadline over all, a retry budget shared by the process, and the caller's signal. The client beneath
 * must make exactly one attempt.
 *
 * A call ends in the attempt's answer or in a `StorageError`: `StorageUnknownOutcomeError` if a write may have been
 * applied, whatever came after; `StorageUnavailableError` if it certainly was not and time, attempts or budget ran
 * out; `StorageAbortRetryableError` if it was aborted and not applied; else what the last error means.
 */
export class Wire {
  readonly #config: WireConfig;
  readonly #budget: RetryBudget;

  constructor(config: WireConfig) {
    this.#config = config;
    this.#budget = config.budget ?? processRetryBudget;
  }

  /** Whether somebody is told what requests cost, so that it is worth asking for. */
  get observed(): boolean {
    return this.#config.observer !== undefined;
  }

  /**
   * Runs `attempt` until it answers or trying again makes no sense. It must be safe to repeat. It handles the errors
   * that are answers to it; a `StorageError` that it throws ends the call.
   */
  send<T>(call: WireCall, attempt: (attempt: Attempt) => Promise<T>): Promise<T> {
    const { observer } = this.#config;
    return observer ? this.#observed(observer, call, attempt) : this.#send(call, undefined, attempt);
  }

  async #observed<T>(
    observer: StorageObserver,
    call: WireCall,
    attempt: (attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    const { clock } = this.#config;
    const { operation, action } = call;
    const observation = quietly(() => observer.request(storeOfAction(action), operation, action));
    const tally = new RequestTally(call.write, observation);
    const started = clock.monotonic();
    let end: Pick<RequestFacts, 'outcome' | 'error'> = { outcome: 'ok' };
    try {
      return await runWithin(observation, () => this.#send(call, tally, attempt));
    } catch (error) {
      end = { outcome: failureCodeOf(error), error };
      throw error;
    } finally {
      const durationMs = clock.monotonic() - started;
      quietly(() => observation?.end({ ...end, ...tally.counts(), durationMs }));
    }
  }

  async #send<T>(
    call: WireCall,
    tally: RequestTally | undefined,
    attempt: (attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    const { clock, random, settings } = this.#config;
    const started = clock.monotonic();
    const tried: { -readonly [kind in Failure['kind']]?: number } = {};
    let mayHaveLanded = false;
    for (let number = 1; ; number++) {
      if (call.signal?.aborted) throw aborted(call, mayHaveLanded);
      const sentAt = clock.monotonic();
      const left = started + settings.deadlineMs - sentAt;
      const request = new AbortController();
      const made: Attempt = { number, signal: request.signal, mayHaveLanded, tally };
      let error: unknown;
      try {
        const answer = await this.#attempt(call, made, request, left, attempt);
        this.#budget.succeeded();
        tally?.attempted(number, 'ok', clock.monotonic() - sentAt);
        return answer;
      } catch (thrown) {
        error = thrown;
      }
      const failure = call.classify?.(error) ?? classify(error, call);
      const { kind } = failure;
      tally?.attempted(number, kind, clock.monotonic() - sentAt);
      if (call.write && (kind === 'ambiguous' || kind === 'unrecognised')) mayHaveLanded = true;
      if (call.signal?.aborted) throw aborted(call, mayHaveLanded);
      if (kind === 'fatal')
        throw mayHaveLanded ? unknown(call, failure.error, failure.error.message) : failure.error;
      const giveUp = (why: string): Error => ended(call, mayHaveLanded, error, `${why}: ${messageOf(error)}`);
      if (kind === 'unrecognised') throw giveUp('failed in a way that is not known');
      const before = tried[kind] ?? 0;
      tried[kind] = before + 1;
      if (before > 0 && (kind === 'expired-credentials' || kind === 'clock-skew'))
        throw mayHaveLanded ? giveUp(`refused again for ${kind}`) : refusedTwice(call, error, kind);
      if (kind === 'expired-credentials') await this.#refresh();
      const pause = kind === 'clock-skew' ? 0 : backoff(before, kind === 'throttled', settings, random);
      if (kind !== 'contended' && number - (tried.contended ?? 0) >= settings.maxAttempts)
        throw giveUp(`gave up after ${attempts(number)}`);
      if (clock.monotonic() + pause - started >= settings.deadlineMs)
        throw giveUp(`gave up after ${attempts(number)}, at the deadline of ${settings.deadlineMs} ms`);
      if (kind !== 'contended' && !this.#budget.tryTake())
        throw giveUp(`gave up after ${attempts(number)}, since the retry budget of this process is spent`);
      await this.#pause(pause, call, mayHaveLanded);
    }
  }

  async #attempt<T>(
    call: WireCall,
    made: Attempt,
    request: AbortController,
    left: number,
    attempt: (attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    const { clock, settings } = this.#config;
    const timer = new AbortController();
    const onAbort = (): void => request.abort(call.signal?.reason);
    call.signal?.addEventListener('abort', onAbort, { once: true });
    const limit = Math.max(1, Math.min(settings.attemptTimeoutMs, left));
    // A client that does not listen to its signal must not hold up the call either.
    const timedOut = clock.sleep(limit, timer.signal).then(() => {
      const error = new AttemptTimeoutError(limit);
      request.abort(error);
      throw error;
    });
    try {
      return await Promise.race([attempt(made), timedOut]);
    } finally {
      timer.abort(STOPPED);
      call.signal?.removeEventListener('abort', onAbort);
    }
  }

  async #refresh(): Promise<void> {
    try {
      await this.#config.refreshCredentials?.();
    } catch {
      // The next attempt asks for credentials itself and fails with the reason.
    }
  }

  async #pause(milliseconds: number, call: WireCall, mayHaveLanded: boolean): Promise<void> {
    try {
      await this.#config.clock.sleep(milliseconds, call.signal);
    } catch {
      throw aborted(call, mayHaveLanded);
    }
  }
}

// One reason for all: an error made for every attempt that ended in time would be work for nothing.
const STOPPED = new Error('the attempt has ended');

class AttemptTimeoutError extends Error {
  constructor(milliseconds: number) {
    super(`no answer within ${Math.round(milliseconds)} ms`);
    // As the SDK names it, so that there is one rule for both.
    this.name = 'TimeoutError';
  }
}

function attempts(number: number): string {
  return number === 1 ? '1 attempt' : `${number} attempts`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function ended(call: WireCall, mayHaveLanded: boolean, cause: unknown, why: string): Error {
  if (mayHaveLanded) return unknown(call, cause, why);
  const { operation, key, action, resource } = call;
  const message = `${operation} ${JSON.stringify(key)}: ${action} on ${resource} ${why}; what failed was not applied, try again later`;
  return new StorageUnavailableError(message, { operation, key, cause });
}

function unknown(call: WireCall, cause: unknown, why: string): StorageUnknownOutcomeError {
  if (cause instanceof StorageUnknownOutcomeError) return cause;
  const { operation, key, action, resource } = call;
  const message = `${operation} ${JSON.stringify(key)}: ${action} on ${resource} may have been applied, so read before you repeat it; ${why}`;
  return new StorageUnknownOutcomeError(message, { operation, key, cause });
}

function aborted(call: WireCall, mayHaveLanded: boolean): Error {
  const { operation, key } = call;
  const cause: unknown = call.signal?.reason;
  if (mayHaveLanded) return unknown(call, cause, 'it was aborted in flight');
  return new StorageAbortRetryableError(`${operation} ${JSON.stringify(key)}: aborted; not applied`, {
    operation,
    key,
    cause,
  });
}
