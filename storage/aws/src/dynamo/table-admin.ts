import type {
  CreateTableCommandInput,
  TableDescription,
  UpdateTableCommandInput,
} from '@aws-sdk/client-dynamodb';

import type { Failure } from '../wire/failure.ts';
import { readSdkError } from '../wire/sdk-error.ts';
import { ATTRIBUTES } from './dynamo-constants.ts';
import type { DynamoAdminService, RequestOptions } from './dynamo-service.ts';
import type { Caller, DynamoTable } from './dynamo-table.ts';

const CALLER: Caller = { operation: 'open', key: 'table', signal: undefined };

/** Whether a setting is on. `changing`: on its way to on. `unavailable`: this endpoint does not have it. */
export type Switch = 'on' | 'off' | 'changing' | 'unavailable';

export interface TimeToLive {
  readonly state: Switch;
  readonly attribute: string | undefined;
}

export type Recovery =
  | { readonly state: 'off' | 'unavailable' }
  /** `days`: how far back it reaches, where the endpoint says so. */
  | { readonly state: 'on'; readonly days: number | undefined };

/** The requests that look at the table itself and change it. */
export class TableAdmin {
  readonly #table: DynamoTable;
  readonly #service: DynamoAdminService;

  constructor(table: DynamoTable, service: DynamoAdminService) {
    this.#table = table;
    this.#service = service;
  }

  get tableName(): string {
    return this.#table.name;
  }

  /** `undefined` only where the service says that there is no such table. */
  async describe(): Promise<TableDescription | undefined> {
    const answer = await this.#unless(['ResourceNotFoundException'], 'DescribeTable', false, (options) =>
      this.#service.describeTable({ TableName: this.tableName }, options),
    );
    return answer?.Table;
  }

  /** Does nothing where another process is making it, or has made it. */
  async create(input: CreateTableCommandInput): Promise<void> {
    await this.#unless(['ResourceInUseException'], 'CreateTable', true, (options) =>
      this.#service.createTable(input, options),
    );
  }

  /** Waits for other changes of the table to end, of which DynamoDB does one at a time. */
  async update(input: Omit<UpdateTableCommandInput, 'TableName'>): Promise<void> {
    await this.#request(
      'UpdateTable',
      true,
      (options) => this.#service.updateTable({ ...input, TableName: this.tableName }, options),
      busy,
    );
  }

  async timeToLive(): Promise<TimeToLive> {
    const answer = await this.#request('DescribeTimeToLive', false, (options) =>
      this.#service.describeTimeToLive({ TableName: this.tableName }, options),
    );
    const { TimeToLiveStatus: status, AttributeName: attribute } = answer.TimeToLiveDescription ?? {};
    if (status === 'ENABLED') return { state: 'on', attribute };
    return { state: status === 'ENABLING' ? 'changing' : 'off', attribute };
  }

  /** Switches it on. False where the service will not have it now, e.g. since another process just did it. */
  async enableTimeToLive(): Promise<boolean> {
    const TimeToLiveSpecification = { Enabled: true, AttributeName: ATTRIBUTES.expiresAt };
    const changing = ['ValidationException', 'ResourceInUseException'];
    const answer = await this.#unless(changing, 'UpdateTimeToLive', true, (options) =>
      this.#service.updateTimeToLive({ TableName: this.tableName, TimeToLiveSpecification }, options),
    );
    return answer !== undefined;
  }

  async pointInTimeRecovery(): Promise<Recovery> {
    const answer = await this.#unless(
      ['UnknownOperationException'],
      'DescribeContinuousBackups',
      false,
      (options) => this.#service.describeContinuousBackups({ TableName: this.tableName }, options),
    );
    if (!answer) return { state: 'unavailable' };
    const { PointInTimeRecoveryStatus: status, RecoveryPeriodInDays: days } =
      answer.ContinuousBackupsDescription?.PointInTimeRecoveryDescription ?? {};
    return status === 'ENABLED' ? { state: 'on', days } : { state: 'off' };
  }

  /** Also changes how far an enabled one reaches back. */
  async enablePointInTimeRecovery(days: number): Promise<void> {
    const PointInTimeRecoverySpecification = {
      PointInTimeRecoveryEnabled: true,
      RecoveryPeriodInDays: days,
    };
    await this.#request(
      'UpdateContinuousBackups',
      true,
      (options) =>
        this.#service.updateContinuousBackups(
          { TableName: this.tableName, PointInTimeRecoverySpecification },
          options,
        ),
      (error) =>
        // For a while after the table was made.
        readSdkError(error).name === 'ContinuousBackupsUnavailableException'
          ? { kind: 'throttled' }
          : busy(error),
    );
  }

  /** Of the table with this ARN; `undefined` where the endpoint has no tags. */
  async tags(arn: string): Promise<Readonly<Record<string, string>> | undefined> {
    const tags: Record<string, string> = {};
    let token: string | undefined;
    do {
      const page = { ResourceArn: arn, ...(token !== undefined && { NextToken: token }) };
      const answer = await this.#unless(
        ['UnknownOperationException'],
        'ListTagsOfResource',
        false,
        (options) => this.#service.listTagsOfResource(page, options),
      );
      if (!answer) return undefined;
      for (const { Key = '', Value = '' } of answer.Tags ?? []) tags[Key] = Value;
      token = answer.NextToken;
    } while (token !== undefined);
    return tags;
  }

  async addTags(arn: string, tags: Readonly<Record<string, string>>): Promise<void> {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    await this.#request(
      'TagResource',
      true,
      (options) => this.#service.tagResource({ ResourceArn: arn, Tags }, options),
      busy,
    );
  }

  /** Whether there is no row at all. Looks at one. */
  async isEmpty(): Promise<boolean> {
    const answer = await this.#request('Scan', false, (options) =>
      this.#service.scan({ TableName: this.tableName, Limit: 1, ConsistentRead: true }, options),
    );
    return (answer.Items ?? []).length === 0 && answer.LastEvaluatedKey === undefined;
  }

  #request<T extends { readonly $metadata: object }>(
    action: string,
    write: boolean,
    send: (options: RequestOptions) => Promise<T>,
    classifyOwn?: (error: unknown) => Failure | undefined,
  ): Promise<T> {
    return this.#table.request(CALLER, action, write, send, classifyOwn);
  }

  /** As `#request`, with errors of these names for the answer `undefined`. */
  async #unless<T extends { readonly $metadata: object }>(
    names: readonly string[],
    action: string,
    write: boolean,
    send: (options: RequestOptions) => Promise<T>,
  ): Promise<T | undefined> {
    const answer = await this.#request(action, write, async (options) => {
      try {
        return await send(options);
      } catch (error) {
        if (names.includes(readSdkError(error).name)) return REFUSED;
        throw error;
      }
    });
    return answer === REFUSED ? undefined : (answer as T);
  }
}

/** Another change of the table is under way, or too many of the account's tables are being changed. */
function busy(error: unknown): Failure | undefined {
  const { name } = readSdkError(error);
  if (name === 'ResourceInUseException') return { kind: 'contended' };
  return name === 'LimitExceededException' ? { kind: 'throttled' } : undefined;
}

const REFUSED = { $metadata: {} };
