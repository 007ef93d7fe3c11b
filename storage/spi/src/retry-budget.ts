export interface RetryBudgetSettings {
  /** Tokens at the start, and at most. */
  readonly capacity: number;
  readonly costPerRetry: number;
  readonly refundPerSuccess: number;
}

export const RETRY_BUDGET: RetryBudgetSettings = { capacity: 500, costPerRetry: 5, refundPerSuccess: 1 };

/**
 * Tokens that retries take and successes give back. While a service is down it runs dry, and calls fail after one
 * attempt instead of multiplying the load. One instance is meant to be shared by everything in a process that retries.
 */
export class RetryBudget {
  readonly #settings: RetryBudgetSettings;
  #tokens: number;

  constructor(settings: RetryBudgetSettings = RETRY_BUDGET) {
    this.#settings = settings;
    this.#tokens = settings.capacity;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** Takes what one retry costs; false, and nothing taken, where too little is left. */
  tryTake(): boolean {
    if (this.#tokens < this.#settings.costPerRetry) return false;
    this.#tokens -= this.#settings.costPerRetry;
    return true;
  }

  succeeded(): void {
    this.#tokens = Math.min(this.#settings.capacity, this.#tokens + this.#settings.refundPerSuccess);
  }
}

/** What all of this process shares unless it is given another. */
export const processRetryBudget = new RetryBudget();
