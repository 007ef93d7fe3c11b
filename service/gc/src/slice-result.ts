/** How a slice of work on one account ended. */
export type SliceOutcome =
  /** Nothing is left to do in this run. */
  | 'done'
  /** There is more to do. */
  | 'unfinished'
  /** It would be dangerous, or is not possible here; nothing was deleted. */
  | 'refused'
  /** The pass, or a part of it, failed; what was not done is done by a later one. */
  | 'failed';

export interface Problem {
  /** Of a `GcError` or `StorageError`; `INTERNAL` for any other, which is a defect. */
  readonly code: string;
  readonly message: string;
}

export interface SliceResult {
  readonly outcome: SliceOutcome;
  readonly counts: Readonly<Record<string, number>>;
  readonly problem?: Problem;
}

export function describeError(error: unknown): Problem {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return {
    code: typeof code === 'string' ? code : 'INTERNAL',
    message: typeof message === 'string' ? message : String(error),
  };
}
