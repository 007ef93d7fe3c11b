import type { WriteAnswer, WriteRequest } from './write-requests.ts';

/** What the writer thread is started with. */
export interface WriterSettings {
  readonly folder: string;
  /** The file of the table that is read from, as {@link tableFileOf} tells it. */
  readonly file: string | undefined;
  readonly flush: boolean;
}

/** Commands and reports pass between the threads as JSON: quicker than structured clones of many small objects. */
export type WriterCommand = { readonly requests: readonly WriteRequest[] } | { readonly close: true };

/** Why a request was not carried out; errors lose their class between threads. */
export type WriteFailure =
  /** A row it has to read is damaged. Nothing was written; other requests go on. */
  | { readonly kind: 'damaged'; readonly key: string; readonly message: string }
  /** The file of the table is not in its place any more. Nothing was written. */
  | { readonly kind: 'gone'; readonly message: string }
  /** No room. Nothing was written; works again once there is room. */
  | { readonly kind: 'full'; readonly message: string }
  /** The disk failed before anything could become current. Nothing was written, and nothing will be. */
  | { readonly kind: 'failed'; readonly message: string }
  /** The disk failed while the transaction was being made current. It may be found after a restart. */
  | { readonly kind: 'unknown'; readonly message: string };

export type WriterResult = { readonly answer: WriteAnswer } | { readonly failure: WriteFailure };

/** Results come in the order in which their requests were sent. */
export type WriterReport = { readonly ready: true } | { readonly results: readonly WriterResult[] };
