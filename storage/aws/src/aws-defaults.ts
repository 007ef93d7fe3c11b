/** Every number and name that this backend chooses, in one place. Each can be set; these are the production defaults. */

/** How requests are tried, tried again and given up. Milliseconds, except where said. */
export interface WireSettings {
  /** One attempt: after this it is aborted and its socket freed. */
  readonly attemptTimeoutMs: number;
  /** All attempts of one request together, pauses included. */
  readonly deadlineMs: number;
  /** Attempts of one request at most, the first one included; contention is bounded by the deadline alone. */
  readonly maxAttempts: number;
  /** The first pause is random from 0 to this; each later one may be twice as long. */
  readonly baseDelayMs: number;
  /** As `baseDelayMs`, after the service asked to slow down. */
  readonly throttleDelayMs: number;
  /** No pause is longer. */
  readonly maxDelayMs: number;
}

export const DYNAMODB_WIRE: WireSettings = {
  attemptTimeoutMs: 5_000,
  deadlineMs: 30_000,
  maxAttempts: 12,
  baseDelayMs: 25,
  throttleDelayMs: 100,
  maxDelayMs: 5_000,
};

/** Longer, for a put of 64 MiB. */
export const S3_WIRE: WireSettings = {
  ...DYNAMODB_WIRE,
  attemptTimeoutMs: 60_000,
  deadlineMs: 180_000,
  maxAttempts: 8,
  throttleDelayMs: 250,
};

export const SECRETS_WIRE: WireSettings = {
  ...DYNAMODB_WIRE,
  attemptTimeoutMs: 10_000,
  maxAttempts: 8,
  throttleDelayMs: 250,
};

/** A client token is good for ten minutes; half of that is left for clocks and queues. */
export const CLIENT_TOKEN_WINDOW_MS = 5 * 60_000;

/** More than this between our clock and the store's refuses the start. */
export const MAX_CLOCK_SKEW_MS = 30_000;

/** Connections that one client keeps, and how long it waits for a new one. */
export const CONNECTIONS = { maxSockets: 64, connectTimeoutMs: 2_000 } as const;
