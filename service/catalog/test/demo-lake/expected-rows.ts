import type { TableSchema, Row } from '../../src/demo-lake/table-schema.ts';
import type { TableStory } from '../../src/demo-lake/table-story.ts';

/** What a reader must find at a snapshot, in no order. */
export interface ExpectedSnapshot {
  readonly rows: readonly { readonly schema: TableSchema; readonly row: Row }[];
  /** The table's schema when the snapshot was made. */
  readonly schema: TableSchema;
}

/** Tells a story once more over plain rows, without files. One answer for each snapshot, oldest first. */
export function expectedSnapshots(story: TableStory): ExpectedSnapshot[] {
  const snapshots: ExpectedSnapshot[] = [];
  let schema = story.schema;
  let rows: ExpectedSnapshot['rows'] = [];
  for (const step of story.steps) {
    if (step.kind === 'evolve') schema = step.schema;
    if (step.kind === 'evolve' || step.kind === 'tag' || step.kind === 'statistics') continue;
    const then = schema;
    if (step.kind === 'append') rows = rows.concat(step.rows.map((row) => ({ schema: then, row })));
    if (step.kind === 'delete') rows = rows.filter(({ row }) => !step.where(row));
    if (step.kind === 'rewrite')
      rows = rows.map((held) => (step.where(held.row) ? { ...held, row: step.change(held.row) } : held));
    snapshots.push({ rows, schema });
  }
  return snapshots;
}
