import type {
  DeleteObjectCommandInput,
  DeleteObjectCommandOutput,
  DeleteObjectsCommandInput,
  DeleteObjectsCommandOutput,
  GetBucketVersioningCommandInput,
  GetBucketVersioningCommandOutput,
  GetObjectCommandInput,
  GetObjectCommandOutput,
  GetObjectTaggingCommandInput,
  GetObjectTaggingCommandOutput,
  HeadObjectCommandInput,
  HeadObjectCommandOutput,
  ListObjectsV2CommandInput,
  ListObjectsV2CommandOutput,
  ListObjectVersionsCommandInput,
  ListObjectVersionsCommandOutput,
  PutObjectCommandInput,
  PutObjectCommandOutput,
  PutObjectTaggingCommandInput,
  PutObjectTaggingCommandOutput,
} from '@aws-sdk/client-s3';

interface RequestOptions {
  readonly abortSignal?: AbortSignal;
}

type Operation<Input, Output> = (input: Input, options?: RequestOptions) => Promise<Output>;

/**
 * What this backend asks of S3 for blobs. The SDK's aggregated `S3` client is one; a test or a faster transport may
 * be another. It makes one attempt and throws errors shaped as the SDK's. `Body` of an answer is a Node stream. Where
 * the answer's `Date` header is known, it is in `$metadata.answeredAt` (epoch ms); see `withAnswerDates`.
 */
export interface S3Service {
  getObject: Operation<GetObjectCommandInput, GetObjectCommandOutput>;
  headObject: Operation<HeadObjectCommandInput, HeadObjectCommandOutput>;
  putObject: Operation<PutObjectCommandInput, PutObjectCommandOutput>;
  deleteObject: Operation<DeleteObjectCommandInput, DeleteObjectCommandOutput>;
  deleteObjects: Operation<DeleteObjectsCommandInput, DeleteObjectsCommandOutput>;
  getObjectTagging: Operation<GetObjectTaggingCommandInput, GetObjectTaggingCommandOutput>;
  putObjectTagging: Operation<PutObjectTaggingCommandInput, PutObjectTaggingCommandOutput>;
  listObjectsV2: Operation<ListObjectsV2CommandInput, ListObjectsV2CommandOutput>;
  listObjectVersions: Operation<ListObjectVersionsCommandInput, ListObjectVersionsCommandOutput>;
  getBucketVersioning: Operation<GetBucketVersioningCommandInput, GetBucketVersioningCommandOutput>;
}
