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

export interface S3RequestOptions {
  readonly abortSignal?: AbortSignal;
}

export type S3Operation<Input, Output> = (input: Input, options?: S3RequestOptions) => Promise<Output>;

/**
 * What this backend asks of S3 for blobs. The SDK's aggregated `S3` client is one; a test or a faster transport may
 * be another. It makes one attempt and throws errors shaped as the SDK's. `Body` of an answer is a Node stream. Where
 * the answer's `Date` header is known, it is in `$metadata.answeredAt` (epoch ms); see `withAnswerDates`.
 */
export interface S3Service {
  getObject: S3Operation<GetObjectCommandInput, GetObjectCommandOutput>;
  headObject: S3Operation<HeadObjectCommandInput, HeadObjectCommandOutput>;
  putObject: S3Operation<PutObjectCommandInput, PutObjectCommandOutput>;
  deleteObject: S3Operation<DeleteObjectCommandInput, DeleteObjectCommandOutput>;
  deleteObjects: S3Operation<DeleteObjectsCommandInput, DeleteObjectsCommandOutput>;
  getObjectTagging: S3Operation<GetObjectTaggingCommandInput, GetObjectTaggingCommandOutput>;
  putObjectTagging: S3Operation<PutObjectTaggingCommandInput, PutObjectTaggingCommandOutput>;
  listObjectsV2: S3Operation<ListObjectsV2CommandInput, ListObjectsV2CommandOutput>;
  listObjectVersions: S3Operation<ListObjectVersionsCommandInput, ListObjectVersionsCommandOutput>;
  getBucketVersioning: S3Operation<GetBucketVersioningCommandInput, GetBucketVersioningCommandOutput>;
}
