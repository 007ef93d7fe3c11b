import type { ConsumedCapacity } from '@aws-sdk/client-dynamodb';

import type { RequestTally } from '../wire/request-tally.ts';

/**
 * Counts the capacity units that an answer was charged, if it says. Transactions tell reads and writes apart, and are
 * charged reads where they repeat an earlier one; all others tell a sum, which is one or the other.
 */
export function countUnits(tally: RequestTally, answer: object): void {
  if (!('ConsumedCapacity' in answer)) return;
  const told = answer.ConsumedCapacity as ConsumedCapacity | readonly ConsumedCapacity[] | undefined;
  for (const { CapacityUnits, ReadCapacityUnits, WriteCapacityUnits } of told ? [told].flat() : []) {
    if (ReadCapacityUnits !== undefined || WriteCapacityUnits !== undefined)
      tally.charged(ReadCapacityUnits ?? 0, WriteCapacityUnits ?? 0);
    else if (tally.write) tally.charged(0, CapacityUnits ?? 0);
    else tally.charged(CapacityUnits ?? 0, 0);
  }
}
