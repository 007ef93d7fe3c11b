import type { DynamoAnswer, DynamoInput, ItemJson } from './dynamo-json.ts';
import { invalid } from './dynamo-json.ts';
import { readUnits, sizeOf } from './capacity.ts';
import { Expressions } from './expressions.ts';
import type { StubTable } from './stub-table.ts';

/** What one Query reads at most, before its filter. */
const PAGE_BYTES = 1024 * 1024;
const KEY_CONDITION = /^(#\w+) = (:\w+)(?: AND begins_with\((#\w+), (:\w+)\))?$/;

/** One page of one partition. What its key condition leaves out is not read and costs nothing. */
export function query(table: StubTable, input: DynamoInput): DynamoAnswer {
  const condition = String(input['KeyConditionExpression']);
  const [, hashName, hash] = KEY_CONDITION.exec(condition) ?? [];
  if (hashName === undefined || input.ExpressionAttributeNames?.[hashName] !== table.hashName)
    throw invalid(`Query key condition not supported: ${condition}`);
  const expressions = new Expressions(input);
  const isWanted = expressions.parse(condition);
  const passes = expressions.parse(input['FilterExpression'] as string | undefined);
  expressions.refuseUnused();

  const limit = (input['Limit'] as number | undefined) ?? Infinity;
  const start = input['ExclusiveStartKey'] as ItemJson | undefined;
  const after = start && table.keyOf(start, true).range;
  const items: ItemJson[] = [];
  let [read, bytes] = [0, 0];
  let last: ItemJson | undefined;
  let more = false;
  for (const row of table.from(input.ExpressionAttributeValues?.[hash ?? '']?.S ?? '', after)) {
    if (!isWanted(row)) {
      // What starts alike lies side by side.
      if (last) break;
      continue;
    }
    read++;
    bytes += sizeOf(row);
    last = row;
    if (passes(row)) items.push(row);
    // As the service, it does not look whether there is another one.
    more = read >= limit || bytes > PAGE_BYTES;
    if (more) break;
  }
  const counted = input['Select'] === 'COUNT';
  return {
    body: {
      Count: items.length,
      ScannedCount: read,
      ...(!counted && { Items: items }),
      ...(more && last && { LastEvaluatedKey: table.keyItem(table.keyOf(last)) }),
    },
    units: readUnits(bytes, input.ConsistentRead === true),
  };
}
