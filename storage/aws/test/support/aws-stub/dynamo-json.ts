/** Capacity units. */
export interface Units {
  readonly read: number;
  readonly write: number;
}

export const NO_UNITS: Units = { read: 0, write: 0 };

/** One typed value, as DynamoDB's JSON has it. Only the kinds that this project stores. */
export interface AttributeJson {
  readonly S?: string;
  readonly N?: string;
  readonly B?: string;
  readonly BOOL?: boolean;
}

export type ItemJson = Readonly<Record<string, AttributeJson>>;

/** What a request's expressions refer to. */
export interface Substitutes {
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Readonly<Record<string, AttributeJson>>;
}

/** A request's body. Each operation reads its own fields of it. */
export type DynamoInput = Substitutes & {
  readonly TableName?: string;
  readonly ConditionExpression?: string;
  readonly ReturnValuesOnConditionCheckFailure?: string;
  readonly ConsistentRead?: boolean;
  readonly Item?: ItemJson;
  readonly Key?: ItemJson;
  readonly [field: string]: unknown;
};

export interface DynamoAnswer {
  readonly body: object;
  readonly units: Units;
}

/** An answer of failure, as DynamoDB would give it. */
export class StubError extends Error {
  readonly type: string;
  readonly fields: object;
  /** What the refused request cost all the same. */
  readonly units: Units;

  constructor(type: string, message: string, fields: object = {}, units: Units = NO_UNITS) {
    super(message);
    this.type = type;
    this.fields = fields;
    this.units = units;
  }
}

export function invalid(message: string): StubError {
  return new StubError('ValidationException', message);
}

/** Negative, 0 or positive; `undefined` where the values are of different types, or of none. */
export function compare(a: AttributeJson | undefined, b: AttributeJson | undefined): number | undefined {
  if (a?.S !== undefined && b?.S !== undefined) return compareText(a.S, b.S);
  if (a?.N !== undefined && b?.N !== undefined) return Number(a.N) - Number(b.N);
  if (a?.BOOL !== undefined && b?.BOOL !== undefined) return Number(a.BOOL) - Number(b.BOOL);
  return undefined;
}

/** By UTF-8 bytes, as DynamoDB and S3 order text. */
export function compareText(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}
