import type {
  BatchOperation,
  BatchResult,
  DeleteResult,
  Expected,
  ImportMode,
  ImportReport,
  Pointer,
  PointerWrite,
} from '@floecat/storage-spi';
import { decideBatch, decideImport, isExpired, matches, nextPointer } from '@floecat/storage-spi';

import type { RowSpace } from './pointer-table.ts';

/** What the writer thread is asked to do, each atomic, and in which space of the table. */
export type WriteRequest = RowChange & { readonly space: RowSpace['name'] };

/** Times are by the clock of the store that asks. */
type RowChange =
  | {
      readonly kind: 'set';
      readonly key: string;
      readonly expected: number | SeenVersion;
      readonly next: PointerWrite;
      readonly writeId: string;
      readonly now: number;
    }
  | {
      readonly kind: 'batch';
      readonly operations: readonly BatchOperation[];
      readonly writeId: string;
      readonly now: number;
    }
  | {
      readonly kind: 'delete';
      readonly key: string;
      readonly expected: number | SeenVersion;
      readonly includeExpired: boolean;
      readonly now: number;
    }
  | { readonly kind: 'delete-listed'; readonly rows: readonly ListedRow[] }
  | {
      readonly kind: 'import';
      readonly entries: readonly Pointer[];
      readonly mode: ImportMode;
      readonly now: number;
    };

/** What the pointer form of an expectation compares. */
export interface SeenVersion {
  readonly version: number;
  readonly writeId: string;
}

export interface ListedRow {
  readonly key: string;
  /** The version to delete; absent: whatever is there. */
  readonly seen?: SeenVersion;
  /** An expired row goes too, but nobody could see it, so it is not counted. */
  readonly counts: boolean;
}

export interface DeletedCounts {
  readonly deleted: number;
  readonly skipped: number;
}

/** Only what the asking side does not know; it makes the pointer out of that and its own request. */
export type SetAnswer =
  | { readonly applied: true; readonly previous: PreviousVersion | undefined }
  | { readonly applied: false; readonly current: Pointer | undefined };

export interface PreviousVersion extends SeenVersion {
  readonly incarnation: string;
}

export interface WriteAnswers {
  readonly set: SetAnswer;
  readonly batch: BatchResult;
  readonly delete: DeleteResult;
  readonly 'delete-listed': DeletedCounts;
  readonly import: ImportReport;
}

export type WriteAnswer = WriteAnswers[keyof WriteAnswers];

/** The table inside a write transaction. */
export interface WritableRows {
  /** The row, expired or not; throws `StorageCorruptionError` where it is damaged. */
  get(key: string): Pointer | undefined;
  has(key: string): boolean;
  put(pointer: Pointer): void;
  remove(key: string): void;
}

/**
 * Decides one request and writes what follows. All of it is decided before the first write, so that one that throws
 * has changed nothing and the transaction can go on with others.
 */
export function applyRequest(request: WriteRequest, rows: WritableRows): WriteAnswer {
  switch (request.kind) {
    case 'set':
      return applySet(request, rows);
    case 'batch':
      return applyBatch(request, rows);
    case 'delete': {
      const current = live(rows.get(request.key), request.now, request.includeExpired);
      if (!current || !isAs(current, request.expected)) return { applied: false, current };
      rows.remove(request.key);
      return { applied: true, deleted: current };
    }
    case 'delete-listed':
      return deleteListed(request.rows, rows);
    case 'import':
      return applyImport(request, rows);
  }
}

/** About how many bytes the request writes. */
export function weightOf(request: WriteRequest): number {
  switch (request.kind) {
    case 'set':
      return rowWeight(request.next);
    case 'batch': {
      let weight = 0;
      for (const operation of request.operations)
        weight += operation.op === 'upsert' ? rowWeight(operation.next) : operation.key.length;
      return weight;
    }
    case 'delete':
      return request.key.length;
    case 'delete-listed':
      return request.rows.length * 100;
    case 'import':
      return request.entries.reduce((weight, entry) => weight + rowWeight(entry), 0);
  }
}

/** How many rows the request touches at most. */
export function rowsOf(request: WriteRequest): number {
  switch (request.kind) {
    case 'set':
    case 'delete':
      return 1;
    case 'batch':
      return request.operations.length;
    case 'delete-listed':
      return request.rows.length;
    case 'import':
      return request.entries.length;
  }
}

function rowWeight(row: { kind: 'blob'; blobUri: string } | { kind: 'value'; value: string }): number {
  return 300 + (row.kind === 'blob' ? row.blobUri : row.value).length;
}

function applySet(request: WriteRequest & { kind: 'set' }, rows: WritableRows): SetAnswer {
  const { key, now } = request;
  const current = live(rows.get(key), now, false);
  if (!isAs(current, request.expected)) return { applied: false, current };
  rows.put(nextPointer(key, current, request.next, request));
  const previous = current && {
    version: current.version,
    writeId: current.writeId,
    incarnation: current.incarnation,
  };
  return { applied: true, previous };
}

function applyBatch(request: WriteRequest & { kind: 'batch' }, rows: WritableRows): BatchResult {
  const { operations, writeId, now } = request;
  const decision = decideBatch(operations, (key) => live(rows.get(key), now, false), { writeId, now });
  if (!decision.applied) return decision;
  for (const [key, pointer] of decision.writes) {
    if (pointer) rows.put(pointer);
    else rows.remove(key);
  }
  return { applied: true, pointers: decision.pointers };
}

function deleteListed(listed: readonly ListedRow[], rows: WritableRows): DeletedCounts {
  const doomed: ListedRow[] = [];
  let skipped = 0;
  for (const row of listed) {
    if (!row.seen) {
      if (rows.has(row.key)) doomed.push(row);
      continue;
    }
    const current = rows.get(row.key);
    if (isAs(current, row.seen)) doomed.push(row);
    else skipped++;
  }
  for (const { key } of doomed) rows.remove(key);
  return { deleted: doomed.filter((row) => row.counts).length, skipped };
}

function applyImport(request: WriteRequest & { kind: 'import' }, rows: WritableRows): ImportReport {
  const { entries, mode, now } = request;
  const obstacles = entries.map((entry) => decideImport(entry, live(rows.get(entry.key), now, false), mode));
  for (const [i, entry] of entries.entries()) if (!obstacles[i]) rows.put(entry);
  const left = obstacles.filter((obstacle) => obstacle !== undefined);
  return { imported: entries.length - left.length, left };
}

function live(row: Pointer | undefined, now: number, includeExpired: boolean): Pointer | undefined {
  return row && (includeExpired || !isExpired(row, now)) ? row : undefined;
}

/** Of a pointer that is expected, only version and write id are sent, and only they are compared. */
function isAs(current: Pointer | undefined, expected: number | SeenVersion): boolean {
  return matches(current, expected as Expected);
}
