export type { DemoTable } from './build-table.ts';
export { MARKER_NAME, readDemoLake } from './lake-marker.ts';
export type { DemoLakeOptions } from './write-demo-lake.ts';
export { writeDemoLake } from './write-demo-lake.ts';
export type { SyntheticTableOptions } from './write-synthetic-table.ts';
export { writeSyntheticTable } from './write-synthetic-table.ts';
