import type { PartitionSpec } from './partition-spec.ts';
import type { Row, TableSchema } from './table-schema.ts';

/** One change of a table. `at` is in epoch ms. */
export type Step =
  | { readonly kind: 'append'; readonly at: number; readonly rows: readonly Row[] }
  /** Deletes rows by writing position deletes beside the data files. */
  | { readonly kind: 'delete'; readonly at: number; readonly where: (row: Row) => boolean }
  /** Changes rows by writing each data file anew that holds one, without the rows deleted before. */
  | {
      readonly kind: 'rewrite';
      readonly at: number;
      readonly where: (row: Row) => boolean;
      readonly change: (row: Row) => Row;
    }
  /** Makes `schema` the current one; fields keep their ids under whatever name. */
  | { readonly kind: 'evolve'; readonly at: number; readonly schema: TableSchema }
  /** Names the current snapshot. */
  | { readonly kind: 'tag'; readonly at: number; readonly name: string }
  /** Counts the distinct values of each column at the current snapshot. */
  | { readonly kind: 'statistics'; readonly at: number };

/** What happened to a table, from which both its files and the rows that a reader must find follow. */
export interface TableStory {
  readonly namespace: readonly string[];
  readonly name: string;
  readonly comment: string;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly schema: TableSchema;
  readonly spec: PartitionSpec;
  readonly steps: readonly Step[];
}
