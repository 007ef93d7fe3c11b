import type { RandomSource } from '@floecat/storage-spi';

import type { ContentFile, WrittenFile } from './content-file.ts';
import { dataFile, positionDeletes } from './content-file.ts';
import { partitionFolder, partitionOf } from './partition-spec.ts';
import type { PuffinBlob } from './puffin-file.ts';
import { puffinFile } from './puffin-file.ts';
import { serializeValue } from './single-value.ts';
import type { LakeFile } from './table-builder.ts';
import { TableBuilder } from './table-builder.ts';
import { currentSnapshot, withSchema, withStatistics, withTag } from './table-metadata.ts';
import type { Leaf, Row, StructType } from './table-schema.ts';
import { leafValue, leavesOf } from './table-schema.ts';
import type { Step, TableStory } from './table-story.ts';
import { thetaSketch } from './theta-sketch.ts';

export interface DemoTable {
  readonly namespace: readonly string[];
  readonly name: string;
  readonly location: string;
  /** The newest metadata file. */
  readonly metadataLocation: string;
}

/** A data file that the table has now, its rows, and which of them are deleted. */
interface LiveFile {
  readonly file: ContentFile;
  readonly schema: StructType;
  readonly rows: readonly Row[];
  readonly deletes: readonly ContentFile[];
  readonly deleted: ReadonlySet<number>;
}

/** Makes the files of a table from its story, a metadata file after each step. */
export function buildTable(
  story: TableStory,
  options: {
    readonly baseLocation: string;
    readonly random: RandomSource;
    readonly emit: (file: LakeFile) => void;
  },
): DemoTable {
  const { namespace, name, comment, createdAt, schema, spec, steps } = story;
  const folder = [...namespace, name].join('/');
  const table = new TableBuilder({ ...options, folder, schema, spec, createdAt, properties: { comment } });
  const teller = new StoryTeller(table, options.random);
  let metadataLocation = table.writeMetadata();
  for (const step of steps) {
    teller.tell(step);
    metadataLocation = table.writeMetadata();
  }
  return { namespace, name, location: table.location, metadataLocation };
}

class StoryTeller {
  readonly #table: TableBuilder;
  readonly #random: RandomSource;
  #live: readonly LiveFile[] = [];

  constructor(table: TableBuilder, random: RandomSource) {
    this.#table = table;
    this.#random = random;
  }

  tell(step: Step): void {
    const table = this.#table;
    switch (step.kind) {
      case 'append':
        return this.#append(step.at, step.rows);
      case 'delete':
        return this.#delete(step.at, step.where);
      case 'rewrite':
        return this.#rewrite(step);
      case 'evolve':
        return table.change((metadata) => withSchema(metadata, step.schema, step.at));
      case 'tag': {
        const { id } = this.#snapshot();
        return table.change((metadata) => withTag(metadata, step.name, id, step.at));
      }
      case 'statistics':
        return this.#statistics(step.at);
    }
  }

  #append(at: number, rows: readonly Row[]): void {
    const added = this.#write(rows);
    this.#table.commit({ operation: 'append', at, added: added.map(({ file }) => file) });
    this.#live = [...this.#live, ...added];
  }

  #delete(at: number, where: (row: Row) => boolean): void {
    const added: ContentFile[] = [];
    this.#live = this.#live.map((live) => {
      const hit = live.rows.flatMap((row, i) => (!live.deleted.has(i) && where(row) ? [i] : []));
      if (hit.length === 0) return live;
      const file = this.#emit(positionDeletes(this.#dataPath(live.file, 'deletes'), live.file, hit));
      added.push(file);
      return { ...live, deletes: [...live.deletes, file], deleted: new Set([...live.deleted, ...hit]) };
    });
    this.#table.commit({ operation: 'delete', at, added });
  }

  #rewrite({ at, where, change }: Step & { readonly kind: 'rewrite' }): void {
    const hit = this.#live.filter((live) => rowsLeft(live).some(where));
    if (hit.some(({ schema }) => schema !== this.#table.schema))
      throw new RangeError('a rewrite of rows of an older schema; rewrite before the schema changes');
    const added = this.#write(hit.flatMap(rowsLeft).map((row) => (where(row) ? change(row) : row)));
    this.#table.commit({
      operation: 'overwrite',
      at,
      added: added.map(({ file }) => file),
      removed: hit.flatMap(({ file, deletes }) => [file, ...deletes]),
    });
    this.#live = [...this.#live.filter((live) => !hit.includes(live)), ...added];
  }

  /** One data file for each partition that the rows are of. */
  #write(rows: readonly Row[]): LiveFile[] {
    const { schema, spec } = this.#table;
    const groups = Map.groupBy(rows, (row) => partitionFolder(spec, partitionOf(spec, schema, row)));
    return Array.from(groups.values(), (group) => {
      const partition = partitionOf(spec, schema, group[0] as Row);
      const file = this.#emit(dataFile(this.#dataPath({ partition }), schema, partition, group));
      return { file, schema, rows: group, deletes: [], deleted: new Set() };
    });
  }

  #dataPath({ partition }: Pick<ContentFile, 'partition'>, suffix?: 'deletes'): string {
    const name = `00000-0-${this.#random.uuid()}-00001${suffix ? `-${suffix}` : ''}.parquet`;
    return `${this.#table.location}/data/${partitionFolder(this.#table.spec, partition)}${name}`;
  }

  #emit({ file, bytes }: WrittenFile): ContentFile {
    this.#table.file(file.path.slice(this.#table.location.length + 1), bytes);
    return file;
  }

  #snapshot(): { readonly id: bigint; readonly sequenceNumber: bigint } {
    const snapshot = currentSnapshot(this.#table.metadata);
    if (!snapshot) throw new RangeError('the story needs a snapshot before this step');
    return { id: snapshot['snapshot-id'], sequenceNumber: snapshot['sequence-number'] };
  }

  #statistics(at: number): void {
    const snapshot = this.#snapshot();
    const blobs = leavesOf(this.#table.schema)
      .filter((leaf) => !leaf.repeated)
      .map((leaf): PuffinBlob => {
        const { distinct, bytes } = thetaSketch(this.#valuesOf(leaf));
        return {
          type: 'apache-datasketches-theta-v1',
          fields: [leaf.id],
          properties: { ndv: String(distinct) },
          bytes,
        };
      });
    const puffin = puffinFile(snapshot, blobs);
    const name = `metadata/${snapshot.id}-${this.#random.uuid()}.stats`;
    const statistics = {
      'snapshot-id': snapshot.id,
      'statistics-path': this.#table.file(name, puffin.bytes),
      'file-size-in-bytes': puffin.bytes.length,
      'file-footer-size-in-bytes': puffin.footerSize,
      'blob-metadata': blobs.map(({ type, fields, properties }) => ({
        type,
        'snapshot-id': snapshot.id,
        'sequence-number': snapshot.sequenceNumber,
        fields,
        properties,
      })),
    };
    this.#table.change((metadata) => withStatistics(metadata, statistics, at));
  }

  /** The values of a column in the rows that the table has now, as the current schema's type writes them. */
  #valuesOf(leaf: Leaf): Buffer[] {
    return this.#live.flatMap((live) => {
      const then = leavesOf(live.schema).find(({ id }) => id === leaf.id);
      if (!then) return [];
      return rowsLeft(live)
        .map((row) => leafValue(then, row))
        .filter((value) => value !== null)
        .map((value) => serializeValue(leaf.type, value));
    });
  }
}

function rowsLeft({ rows, deleted }: LiveFile): Row[] {
  return rows.filter((_, i) => !deleted.has(i));
}
