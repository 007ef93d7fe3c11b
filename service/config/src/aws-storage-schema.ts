import { keyValues } from './aws-types.ts';
import { duration, wholeNumber } from './number-types.ts';
import { optional, property, section } from './property.ts';
import { boolean, oneOf, shortText } from './text-types.ts';

const MAX_UNITS = 1_000_000_000;

/** The table, the bucket and the secrets of a store on AWS. */
export const AWS_STORAGE_SCHEMA = {
  dynamodb: section('Pointers in DynamoDB', {
    table: property(
      'floecat.kv.table',
      shortText(255),
      'floecat_pointers',
      'The DynamoDB table, with `floecat.kv=dynamodb`.',
    ),
    autoCreate: property(
      'floecat.kv.auto-create',
      boolean,
      'false',
      'Whether a start makes the table and the store in it where they are missing. Off, `floecat bootstrap` does.',
    ),
    shards: property(
      'floecat.kv.shards',
      wholeNumber(1, 1_024),
      '64',
      'Into how many partition keys the pointers are spread. Fixed when the store is made: a process with another value is refused.',
    ),
    ttlEnabled: property(
      'floecat.kv.ttl-enabled',
      boolean,
      'true',
      'Whether DynamoDB removes expired rows by itself. To every operation they are absent from their expiry on in any case.',
    ),
    billingMode: property(
      'floecat.kv.billing-mode',
      oneOf(['on-demand', 'provisioned']),
      'on-demand',
      'How a new table is billed. `provisioned` needs `floecat.kv.read-units` and `floecat.kv.write-units`.',
    ),
    readUnits: optional(
      'floecat.kv.read-units',
      wholeNumber(1, MAX_UNITS),
      "Read capacity units a second: what is provisioned, or the most on demand. On demand the default is no limit but the account's.",
    ),
    writeUnits: optional(
      'floecat.kv.write-units',
      wholeNumber(1, MAX_UNITS),
      'Write capacity units a second, as `floecat.kv.read-units`.',
    ),
    pointInTimeRecovery: property(
      'floecat.kv.point-in-time-recovery',
      boolean,
      'true',
      'Whether the table can be restored to any second of the last days.',
    ),
    recoveryDays: property(
      'floecat.kv.recovery-days',
      wholeNumber(1, 35),
      '35',
      'For how many days `floecat.kv.point-in-time-recovery` reaches back.',
    ),
    deletionProtection: property(
      'floecat.kv.deletion-protection',
      boolean,
      'true',
      'Whether AWS refuses to delete the table until this is switched off.',
    ),
    kmsKeyId: optional(
      'floecat.kv.kms-key-id',
      shortText(2_048),
      'A customer-managed key that encrypts the table: id, ARN or alias. Without it the key that AWS owns does, free of charge.',
    ),
    tableClass: property(
      'floecat.kv.table-class',
      oneOf(['STANDARD', 'STANDARD_INFREQUENT_ACCESS']),
      'STANDARD',
      'Class of a new table.',
    ),
    tags: property('floecat.kv.tags', keyValues(50), '', 'Tags of the table, such as `team=lake, env=prod`.'),
    allowReplicas: property(
      'floecat.kv.allow-replicas',
      boolean,
      'false',
      'Accepts a table with replicas in other regions. Conditions see one region only, so only one may ever be written to.',
    ),
  }),
  s3: section('Blobs in S3', {
    bucket: optional('floecat.blob.s3.bucket', shortText(63), 'The bucket. Required with `floecat.blob=s3`.'),
    keyPrefix: property(
      'floecat.blob.s3.key-prefix',
      shortText(256, { empty: true }),
      '',
      'In front of every object key; ends in `/`. Stores with different prefixes can share a bucket.',
    ),
    autoCreate: property(
      'floecat.blob.s3.auto-create',
      boolean,
      'false',
      'Whether a start, or `floecat bootstrap`, makes the bucket where it is missing.',
    ),
    sse: optional(
      'floecat.blob.s3.sse',
      oneOf(['AES256', 'aws:kms', 'aws:kms:dsse']),
      "Server-side encryption of every object, and of a new bucket. Without it, the bucket's own.",
    ),
    kmsKeyId: optional(
      'floecat.blob.s3.kms-key-id',
      shortText(2_048),
      "Key for the encryptions of KMS: id, ARN or alias. Without it, the account's own key for S3.",
    ),
    bucketKey: optional(
      'floecat.blob.s3.bucket-key',
      boolean,
      "Whether S3 asks KMS less often, with `floecat.blob.s3.sse=aws:kms`. Without it, the bucket's own setting.",
    ),
    storageClass: optional(
      'floecat.blob.s3.storage-class',
      oneOf(['STANDARD', 'STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER_IR']),
      "Storage class of every object. Without it, the bucket's own.",
    ),
    tags: property(
      'floecat.blob.s3.tags',
      keyValues(9),
      '',
      'Tags of every object, such as `team=lake`; they make a read of a blob two requests instead of one.',
    ),
    bucketTags: property('floecat.blob.s3.bucket-tags', keyValues(50), '', 'Tags of the bucket itself.'),
    blockPublicAccess: property(
      'floecat.blob.s3.block-public-access',
      boolean,
      'true',
      'Whether the bucket is closed to the public whatever its policies say.',
    ),
    noncurrentDays: property(
      'floecat.blob.s3.noncurrent-days',
      wholeNumber(1, 36_500),
      '30',
      'After how many days S3 removes object versions that were deleted or replaced. Until then they can be brought back.',
    ),
    unfinishedUploadDays: property(
      'floecat.blob.s3.unfinished-upload-days',
      wholeNumber(1, 36_500),
      '7',
      'After how many days S3 removes uploads that were never finished.',
    ),
  }),
  secretsManager: section('Secrets in AWS Secrets Manager', {
    roleArn: optional(
      'floecat.secrets.aws.role-arn',
      shortText(2_048),
      "A role that each account's calls run under, with the session tag `AccountId`. Without it they run under this process's own credentials.",
    ),
    externalId: optional(
      'floecat.secrets.aws.external-id',
      shortText(1_224),
      "External id that the role's trust policy asks for.",
    ),
    sessionDurationMs: property(
      'floecat.secrets.aws.session-duration',
      duration('15m', '12h'),
      '1h',
      'How long the credentials of an assumed role last; more than an hour is refused by AWS where this process itself runs under an assumed role.',
    ),
    recoveryDays: property(
      'floecat.secrets.aws.recovery-days',
      wholeNumber(7, 30),
      '30',
      'For how many days a deleted secret can be restored in AWS.',
    ),
    kmsKeyId: optional(
      'floecat.secrets.aws.kms-key-id',
      shortText(2_048),
      "Key that encrypts new secrets. Without it, the account's own key for Secrets Manager.",
    ),
  }),
};
