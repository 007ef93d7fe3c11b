/** Names of what is measured, as `docs/metrics.md` describes them. Dashboards lean on them: never change one. */
export const METRICS = {
  operationDuration: 'floecat.storage.operation.duration',
  operationItems: 'floecat.storage.operation.items',
  operationIo: 'floecat.storage.operation.io',
  listingThroughput: 'floecat.storage.listing.throughput',
  writeThroughput: 'floecat.storage.write.throughput',
  requestDuration: 'floecat.storage.request.duration',
  requestAttempts: 'floecat.storage.request.attempts',
  requestThrottles: 'floecat.storage.request.throttles',
  requestContentions: 'floecat.storage.request.contentions',
  requestIo: 'floecat.storage.request.io',
  consumedCapacity: 'floecat.storage.request.consumed_capacity',
  attemptDuration: 'floecat.storage.attempt.duration',
} as const;

/** Attributes of metrics and spans. */
export const TAGS = {
  store: 'floecat.storage.store',
  operation: 'floecat.storage.operation',
  outcome: 'floecat.storage.outcome',
  action: 'floecat.storage.action',
  attemptOutcome: 'floecat.storage.attempt.outcome',
  ioDirection: 'floecat.storage.io.direction',
  capacityType: 'floecat.storage.capacity.type',
  /** Of OpenTelemetry itself. */
  errorType: 'error.type',
  networkDirection: 'network.io.direction',
} as const;

/** What the garbage collectors of the service did. */
export const COLLECTOR_METRICS = {
  duration: 'floecat.gc.run.duration',
  problems: 'floecat.gc.problems',
  unfinished: 'floecat.gc.accounts.unfinished',
  deleted: 'floecat.gc.deleted',
  deletedBytes: 'floecat.gc.deleted.size',
  newlyCondemned: 'floecat.gc.condemned.new',
  condemned: 'floecat.gc.condemned.waiting',
  condemnedBytes: 'floecat.gc.condemned.waiting.size',
  versionedDeletes: 'floecat.gc.supports_versioned_deletes',
} as const;

export const COLLECTOR_TAGS = {
  collector: 'floecat.gc.collector',
  outcome: 'floecat.gc.outcome',
  item: 'floecat.gc.item',
} as const;

/** Attributes of spans alone: the numbers that metrics have values for. */
export const SPAN_TAGS = {
  items: 'floecat.storage.items',
  bytesRead: 'floecat.storage.bytes_read',
  bytesWritten: 'floecat.storage.bytes_written',
  requests: 'floecat.storage.requests',
  attempts: 'floecat.storage.attempts',
  throttles: 'floecat.storage.throttles',
  contentions: 'floecat.storage.contentions',
  bytesSent: 'floecat.storage.bytes_sent',
  bytesReceived: 'floecat.storage.bytes_received',
  readUnits: 'floecat.storage.read_units',
  writeUnits: 'floecat.storage.write_units',
  attemptNumber: 'floecat.storage.attempt.number',
  attemptSeconds: 'floecat.storage.attempt.duration',
} as const;

/** The event of a request's span for an attempt that failed. */
export const FAILED_ATTEMPT = 'attempt failed';

/** The instrumentation scope of all of it. */
export const SCOPE = '@floecat/storage';
