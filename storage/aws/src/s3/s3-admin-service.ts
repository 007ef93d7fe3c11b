import type {
  CreateBucketCommandInput,
  CreateBucketCommandOutput,
  GetBucketEncryptionCommandInput,
  GetBucketEncryptionCommandOutput,
  GetBucketLifecycleConfigurationCommandInput,
  GetBucketLifecycleConfigurationCommandOutput,
  GetBucketLocationCommandInput,
  GetBucketLocationCommandOutput,
  GetBucketTaggingCommandInput,
  GetBucketTaggingCommandOutput,
  GetPublicAccessBlockCommandInput,
  GetPublicAccessBlockCommandOutput,
  PutBucketEncryptionCommandInput,
  PutBucketEncryptionCommandOutput,
  PutBucketLifecycleConfigurationCommandInput,
  PutBucketLifecycleConfigurationCommandOutput,
  PutBucketTaggingCommandInput,
  PutBucketTaggingCommandOutput,
  PutBucketVersioningCommandInput,
  PutBucketVersioningCommandOutput,
  PutPublicAccessBlockCommandInput,
  PutPublicAccessBlockCommandOutput,
} from '@aws-sdk/client-s3';

import type { S3Operation, S3Service } from './s3-service.ts';

/**
 * What only the bootstrap asks of S3, beside the rest. The SDK's aggregated `S3` client is one. HeadBucket is not
 * among it: its answers have no body, so that a missing bucket looks like any other 404, and a policy that is narrowed
 * to a key prefix denies it.
 */
export interface S3AdminService extends S3Service {
  getBucketLocation: S3Operation<GetBucketLocationCommandInput, GetBucketLocationCommandOutput>;
  createBucket: S3Operation<CreateBucketCommandInput, CreateBucketCommandOutput>;
  putBucketVersioning: S3Operation<PutBucketVersioningCommandInput, PutBucketVersioningCommandOutput>;
  getBucketEncryption: S3Operation<GetBucketEncryptionCommandInput, GetBucketEncryptionCommandOutput>;
  putBucketEncryption: S3Operation<PutBucketEncryptionCommandInput, PutBucketEncryptionCommandOutput>;
  getPublicAccessBlock: S3Operation<GetPublicAccessBlockCommandInput, GetPublicAccessBlockCommandOutput>;
  putPublicAccessBlock: S3Operation<PutPublicAccessBlockCommandInput, PutPublicAccessBlockCommandOutput>;
  getBucketLifecycleConfiguration: S3Operation<
    GetBucketLifecycleConfigurationCommandInput,
    GetBucketLifecycleConfigurationCommandOutput
  >;
  putBucketLifecycleConfiguration: S3Operation<
    PutBucketLifecycleConfigurationCommandInput,
    PutBucketLifecycleConfigurationCommandOutput
  >;
  getBucketTagging: S3Operation<GetBucketTaggingCommandInput, GetBucketTaggingCommandOutput>;
  putBucketTagging: S3Operation<PutBucketTaggingCommandInput, PutBucketTaggingCommandOutput>;
}
