import { createHash } from 'node:crypto';

import type { DynamoAnswer, DynamoInput, ItemJson, Units } from './dynamo-json.ts';
import { invalid, StubError } from './dynamo-json.ts';
import { readUnits, sizeOf, sound, sumUnits, twice, writeUnits } from './capacity.ts';
import { Expressions } from './expressions.ts';
import type { StubTable, TableKey } from './stub-table.ts';

const MAX_OPERATIONS = 100;
const MAX_BYTES = 4 * 1024 * 1024;

export interface TransactInput {
  readonly TransactItems: readonly { readonly [action: string]: DynamoInput }[];
  readonly ClientRequestToken?: string;
}

interface Operation {
  readonly table: StubTable;
  readonly key: TableKey;
  readonly before: ItemJson | undefined;
  /** The row afterwards: `undefined` for none. */
  readonly after: ItemJson | undefined;
  readonly holds: boolean;
  readonly returns: boolean;
}

/** TransactWriteItems, with the tokens of what was applied. */
export class StubTransactions {
  readonly #tableOf: (name: string | undefined) => StubTable;
  readonly #applied = new Map<string, string>();

  constructor(tableOf: (name: string | undefined) => StubTable) {
    this.#tableOf = tableOf;
  }

  run({ TransactItems, ClientRequestToken: token }: TransactInput): DynamoAnswer {
    const parameters = createHash('sha256').update(JSON.stringify(TransactItems)).digest('hex');
    const operations = TransactItems.map((item) => this.#read(item));
    check(operations);
    const earlier = token === undefined ? undefined : this.#applied.get(token);
    if (earlier !== undefined) {
      if (earlier !== parameters)
        throw new StubError('IdempotentParameterMismatchException', 'other parameters');
      // A repetition reads what the first one wrote.
      return {
        body: {},
        units: sumUnits(operations.map(({ before }) => twice(readUnits(sizeOf(before), true)))),
      };
    }
    const units = sumUnits(operations.map(costOf));
    if (operations.some(({ holds }) => !holds)) throw canceled(operations, units);
    for (const { table, key, before, after } of operations)
      if (after && after !== before) table.put(after);
      else if (!after) table.delete(key);
    if (token !== undefined) this.#applied.set(token, parameters);
    return { body: {}, units };
  }

  #read(item: { readonly [action: string]: DynamoInput }): Operation {
    const [[action, input], ...others] = Object.entries(item) as [[string, DynamoInput]];
    if (others.length > 0)
      throw invalid('TransactItems can only contain one of Check, Put, Update or Delete');
    const table = this.#tableOf(input.TableName);
    const expressions = new Expressions(input);
    const predicate = expressions.parse(input.ConditionExpression);
    expressions.refuseUnused();
    const key = action === 'Put' ? table.keyOf(sound(input.Item)) : table.keyOf(input.Key ?? {}, true);
    const before = table.get(key);
    const holds = predicate(before ?? {});
    const returns = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD';
    if (action === 'Put') return { table, key, before, after: input.Item, holds, returns };
    if (action === 'Delete') return { table, key, before, after: undefined, holds, returns };
    if (action === 'ConditionCheck') return { table, key, before, after: before, holds, returns };
    throw invalid(`this stub has no ${action} in transactions`);
  }
}

/** A check is billed as the write that it holds up. */
function costOf({ before, after }: Operation): Units {
  return twice(writeUnits(before, after));
}

function check(operations: readonly Operation[]): void {
  if (operations.length < 1 || operations.length > MAX_OPERATIONS)
    throw invalid(`${operations.length} operations; the limit is ${MAX_OPERATIONS}`);
  if (operations.reduce((sum, { after }) => sum + sizeOf(after), 0) > MAX_BYTES)
    throw invalid('the transaction is larger than 4 MB');
  const keys = operations.map(({ key }) => `${key.hash} ${key.range}`);
  if (new Set(keys).size < keys.length)
    throw invalid('Transaction request cannot include multiple operations on one item');
}

function canceled(operations: readonly Operation[], units: Units): StubError {
  const reasons = operations.map(({ holds, returns, before }) =>
    holds
      ? { Code: 'None' }
      : {
          Code: 'ConditionalCheckFailed',
          Message: 'The conditional request failed',
          ...(returns && before && { Item: before }),
        },
  );
  const codes = reasons.map(({ Code }) => Code).join(', ');
  return new StubError(
    'TransactionCanceledException',
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    { CancellationReasons: reasons },
    units,
  );
}
