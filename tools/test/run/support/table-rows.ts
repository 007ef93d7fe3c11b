import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';

import type { LocalstackSettings } from '../../../localstack/settings.ts';

/** Every pointer of the table, whole, by its key; without the store's own rows, which collectors write all the time. */
export async function tableRows(
  settings: Pick<LocalstackSettings, 'endpoint' | 'region' | 'accessKey' | 'secretKey' | 'table'>,
): Promise<ReadonlyMap<string, unknown>> {
  const { endpoint, region, accessKey, secretKey, table } = settings;
  const client = new DynamoDBClient({
    endpoint,
    region,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  });
  const rows = new Map<string, unknown>();
  try {
    const pages = paginateScan({ client }, { TableName: table, ConsistentRead: true });
    for await (const { Items = [] } of pages)
      for (const item of Items)
        if (item['shard']?.S !== '_sys') rows.set(`${item['shard']?.S} ${item['key']?.S}`, item);
  } finally {
    client.destroy();
  }
  return rows;
}
