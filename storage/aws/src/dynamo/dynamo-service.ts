import type {
  BatchGetItemCommandInput,
  BatchGetItemCommandOutput,
  BatchWriteItemCommandInput,
  BatchWriteItemCommandOutput,
  CreateTableCommandInput,
  CreateTableCommandOutput,
  DescribeContinuousBackupsCommandInput,
  DescribeContinuousBackupsCommandOutput,
  DescribeTableCommandInput,
  DescribeTableCommandOutput,
  DescribeTimeToLiveCommandInput,
  DescribeTimeToLiveCommandOutput,
  GetItemCommandInput,
  GetItemCommandOutput,
  ListTagsOfResourceCommandInput,
  ListTagsOfResourceCommandOutput,
  PutItemCommandInput,
  PutItemCommandOutput,
  QueryCommandInput,
  QueryCommandOutput,
  ScanCommandInput,
  ScanCommandOutput,
  TagResourceCommandInput,
  TagResourceCommandOutput,
  TransactGetItemsCommandInput,
  TransactGetItemsCommandOutput,
  TransactWriteItemsCommandInput,
  TransactWriteItemsCommandOutput,
  UpdateContinuousBackupsCommandInput,
  UpdateContinuousBackupsCommandOutput,
  UpdateTableCommandInput,
  UpdateTableCommandOutput,
  UpdateTimeToLiveCommandInput,
  UpdateTimeToLiveCommandOutput,
} from '@aws-sdk/client-dynamodb';

/** What goes with one request. */
export interface RequestOptions {
  readonly abortSignal?: AbortSignal;
}

type Operation<Input, Output> = (input: Input, options?: RequestOptions) => Promise<Output>;

/**
 * What this backend asks of DynamoDB for pointers. The SDK's aggregated `DynamoDB` client is one; a test or a faster
 * transport may be another. It makes one attempt and throws errors shaped as the SDK's. Where the answer's `Date`
 * header is known, it is in `$metadata.answeredAt` (epoch ms); see `withAnswerDates`.
 */
export interface DynamoService {
  getItem: Operation<GetItemCommandInput, GetItemCommandOutput>;
  batchGetItem: Operation<BatchGetItemCommandInput, BatchGetItemCommandOutput>;
  transactGetItems: Operation<TransactGetItemsCommandInput, TransactGetItemsCommandOutput>;
  query: Operation<QueryCommandInput, QueryCommandOutput>;
  putItem: Operation<PutItemCommandInput, PutItemCommandOutput>;
  transactWriteItems: Operation<TransactWriteItemsCommandInput, TransactWriteItemsCommandOutput>;
  batchWriteItem: Operation<BatchWriteItemCommandInput, BatchWriteItemCommandOutput>;
  describeTable: Operation<DescribeTableCommandInput, DescribeTableCommandOutput>;
  describeTimeToLive: Operation<DescribeTimeToLiveCommandInput, DescribeTimeToLiveCommandOutput>;
}

/** What only the bootstrap asks of it, beside the rest. */
export interface DynamoAdminService extends DynamoService {
  scan: Operation<ScanCommandInput, ScanCommandOutput>;
  createTable: Operation<CreateTableCommandInput, CreateTableCommandOutput>;
  updateTable: Operation<UpdateTableCommandInput, UpdateTableCommandOutput>;
  updateTimeToLive: Operation<UpdateTimeToLiveCommandInput, UpdateTimeToLiveCommandOutput>;
  describeContinuousBackups: Operation<
    DescribeContinuousBackupsCommandInput,
    DescribeContinuousBackupsCommandOutput
  >;
  updateContinuousBackups: Operation<
    UpdateContinuousBackupsCommandInput,
    UpdateContinuousBackupsCommandOutput
  >;
  listTagsOfResource: Operation<ListTagsOfResourceCommandInput, ListTagsOfResourceCommandOutput>;
  tagResource: Operation<TagResourceCommandInput, TagResourceCommandOutput>;
}
