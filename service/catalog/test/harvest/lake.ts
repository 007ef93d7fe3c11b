import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { LocalFolderReader, UpstreamLocations } from '../../src/harvest/index.ts';

/** The real tables, read where they are. */
export const LAKE = join(import.meta.dirname, '../../../../../shared/data/lake');

/** Options for a test that needs them. */
export const needsLake = existsSync(LAKE) ? {} : { skip: `the sample tables are not at ${LAKE}` };

export function lakeReader(): LocalFolderReader {
  return new LocalFolderReader(
    new UpstreamLocations([
      { prefix: 's3://', folder: LAKE },
      { prefix: '.', folder: LAKE },
    ]),
  );
}

export const TABLES = {
  trinoTest: 's3://yb-iceberg-tpcds/trino_test',
  trinoTypes: 's3://floecat/sales/us/trino_types',
  lineitem: './lineitem_iceberg',
  hive: 'data/persistent/hive_partitioned_table',
  mytable: 'data/persistent/equality_deletes/warehouse/mydb/mytable',
} as const;
