import type { TableDescription } from '@aws-sdk/client-dynamodb';
import { StorageMisconfiguredError } from '@floecat/storage-spi';

import { ATTRIBUTES } from './dynamo-constants.ts';
import type { TimeToLive } from './table-admin.ts';

/** Statuses in which a table serves reads and writes, or soon will. */
const SERVING = new Set(['ACTIVE', 'UPDATING']);
const COMING = new Set(['CREATING']);

/** Whether the table serves already. Throws where it never will by waiting. */
export function isServing(table: TableDescription, tableName: string): boolean {
  const status = table.TableStatus ?? 'unknown';
  if (SERVING.has(status)) return true;
  if (COMING.has(status)) return false;
  throw unfit(tableName, `is ${status}`);
}

/** Refuses a table that this store cannot live in, with the reason. */
export function checkTable(
  table: TableDescription,
  timeToLive: TimeToLive,
  tableName: string,
  allowReplicas: boolean,
): void {
  const keys = (table.KeySchema ?? []).map(
    ({ AttributeName: name, KeyType: type }) => `${name} ${type}${typeOf(table, name)}`,
  );
  const wanted = [`${ATTRIBUTES.shard} HASH S`, `${ATTRIBUTES.key} RANGE S`];
  if (keys.join(', ') !== wanted.join(', '))
    throw unfit(
      tableName,
      `has the keys ${keys.join(', ') || 'unknown'}; this store needs ${wanted.join(', ')}`,
    );
  if (timeToLive.state !== 'off' && timeToLive.attribute !== ATTRIBUTES.expiresAt)
    throw unfit(
      tableName,
      `has time to live on ${timeToLive.attribute}; it must be on ${ATTRIBUTES.expiresAt} or switched off`,
    );
  const replicas = (table.Replicas ?? []).map(({ RegionName: region }) => region);
  if (replicas.length > 0 && !allowReplicas)
    throw unfit(tableName, `has replicas in ${replicas.join(', ')}, and conditions see one region only`);
}

function typeOf(table: TableDescription, name: string | undefined): string {
  const definition = table.AttributeDefinitions?.find((each) => each.AttributeName === name);
  return ` ${definition?.AttributeType ?? '?'}`;
}

function unfit(tableName: string, why: string): StorageMisconfiguredError {
  return new StorageMisconfiguredError(`open: table ${tableName} ${why}; use another table`, {
    operation: 'open',
  });
}
