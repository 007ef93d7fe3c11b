/** When a fault meets a request: it never arrives, it is done but its answer is not seen, or the service answers so. */
export type Phase = 'before' | 'after' | 'server';

export interface FaultRow {
  /** Its tests have it in their names, `[F7]`. */
  readonly id: string;
  readonly fault: string;
  /** The phases that make a difference; each must have been seen. */
  readonly phases: readonly Phase[];
  /** Why it cannot occur here. It has no tests then. */
  readonly cannotOccur?: string;
}

const NO_MULTIPART =
  'a blob of at most 64 MiB is one PutObject: the store never uploads in parts, nor copies';

/** What can go wrong below the store, in the order of the project's catalogue of faults. */
export const FAULT_ROWS: readonly FaultRow[] = [
  { fault: 'the reply to a conditional put or a delete is lost', phases: ['before', 'after'] },
  { fault: 'the reply to a transaction is lost', phases: ['before', 'after'] },
  { fault: 'IdempotentParameterMismatch', phases: ['before'] },
  { fault: 'TransactionInProgress', phases: ['before'] },
  { fault: 'ConditionalCheckFailed at the first attempt', phases: ['server'] },
  { fault: 'TransactionCanceled, by its reasons', phases: ['before', 'server'] },
  { fault: 'throttles: ProvisionedThroughputExceeded, ThrottlingException, SlowDown', phases: ['before'] },
  { fault: '500, 503 or 504 to a write', phases: ['before', 'after'] },
  { fault: 'slow, or no answer at all', phases: ['before', 'after'] },
  { fault: 'no such host, refused, connection reset', phases: ['before', 'after'] },
  { fault: 'UnprocessedItems and UnprocessedKeys: some, all, always', phases: ['before'] },
  { fault: 'the body of a get is cut, by its length or chunked', phases: ['after'] },
  { fault: 'the body of a get is changed under good headers', phases: ['after'] },
  { fault: 'the stored object itself is corrupt', phases: ['server'] },
  { fault: 'a put is damaged in transit', phases: ['before'] },
  { fault: 'the reply to a conditional put of S3 is lost, then 412', phases: ['after'] },
  { fault: '409 ConditionalRequestConflict', phases: ['before'] },
  { fault: '200 with an error for its body (complete, copy)', phases: [], cannotOccur: NO_MULTIPART },
  { fault: 'DeleteObjects: 200 with errors by key', phases: ['after'] },
  { fault: 'ListObjectsV2 fails on some page, or is cut', phases: ['before', 'after'] },
  { fault: 'expired credentials', phases: ['before'] },
  { fault: 'clock skew', phases: ['before'] },
  { fault: 'AccessDenied', phases: ['before'] },
  { fault: 'table or bucket missing, being made, deleted or made anew', phases: ['before', 'server'] },
  { fault: 'NoSuchUpload', phases: [], cannotOccur: NO_MULTIPART },
].map((row, index) => Object.assign(row as Omit<FaultRow, 'id'>, { id: `F${index + 1}` }));
