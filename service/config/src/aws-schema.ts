import { keyValues, s3Locations } from './aws-types.ts';
import { duration, wholeNumber } from './number-types.ts';
import { optional, property, section } from './property.ts';
import { boolean, oneOf, secret, secretId, shortText, url } from './text-types.ts';

const MAX_UNITS = 1_000_000_000;

/** How the clients of one AWS service are reached and signed for, under a common beginning of the names. */
function s3Access(prefix: string, whose: string) {
  return {
    region: optional(
      `${prefix}.region`,
      shortText(64),
      `AWS region of ${whose}. Without it, what the SDK finds in the environment or the profile.`,
    ),
    s3Endpoint: optional(
      `${prefix}.endpoint`,
      url,
      `Where S3 of ${whose} is, if not where AWS has it for the region.`,
    ),
    accessKeyId: optional(
      `${prefix}.access-key-id`,
      shortText(256),
      `A static key for ${whose}, together with its secret. Without one the SDK's default chain is asked: environment, profile, SSO, container and instance role.`,
    ),
    secretAccessKey: optional(
      `${prefix}.secret-access-key`,
      secret,
      `The secret of \`${prefix}.access-key-id\`.`,
    ),
    sessionToken: optional(
      `${prefix}.session-token`,
      secret,
      `Goes with a temporary \`${prefix}.access-key-id\`.`,
    ),
    pathStyleAccess: property(
      `${prefix}.path-style-access`,
      boolean,
      'false',
      'Whether the bucket stands in the path of a URL and not in its host name, as most S3-compatible servers need.',
    ),
  };
}

/** The properties of how one service's requests are tried again. */
function wire(
  service: string,
  title: string,
  defaults: Readonly<Record<'attemptTimeout' | 'deadline' | 'throttleDelay', string>> & {
    readonly maxAttempts: string;
    readonly longest: string;
  },
) {
  const name = (last: string): string => `floecat.aws.${service}.${last}`;
  return {
    attemptTimeoutMs: property(
      name('attempt-timeout'),
      duration('10ms', '5m'),
      defaults.attemptTimeout,
      `After this, one attempt of a request to ${title} is aborted.`,
    ),
    deadlineMs: property(
      name('deadline'),
      duration('10ms', defaults.longest),
      defaults.deadline,
      `All attempts of one request to ${title} together, pauses included.`,
    ),
    maxAttempts: property(
      name('max-attempts'),
      wholeNumber(1, 100),
      defaults.maxAttempts,
      `Attempts of one request to ${title} at most, the first one included.`,
    ),
    baseDelayMs: property(
      name('base-delay'),
      duration('1ms', '1m'),
      '25ms',
      `The first pause before ${title} is asked again is random up to this; each later one may be twice as long.`,
    ),
    throttleDelayMs: property(
      name('throttle-delay'),
      duration('1ms', '1m'),
      defaults.throttleDelay,
      `As \`${name('base-delay')}\`, after ${title} asked to slow down.`,
    ),
    maxDelayMs: property(
      name('max-delay'),
      duration('1ms', '5m'),
      '5s',
      `No pause before ${title} is asked again is longer.`,
    ),
  };
}

/** The properties of the AWS backend and of upstream tables in S3. */
export const AWS_SCHEMA = {
  aws: section('AWS clients', {
    ...s3Access('floecat.fileio.override.s3', 'the catalog'),
    dynamodbEndpoint: optional(
      'floecat.fileio.override.aws.dynamodb.endpoint-override',
      url,
      'Where DynamoDB is, if not where AWS has it for the region.',
    ),
    secretsManagerEndpoint: optional(
      'floecat.fileio.override.aws.secretsmanager.endpoint-override',
      url,
      'Where Secrets Manager is, if not where AWS has it for the region.',
    ),
    stsEndpoint: optional(
      'floecat.fileio.override.aws.sts.endpoint-override',
      url,
      'Where STS is, if not where AWS has it for the region.',
    ),
    maxSockets: property(
      'floecat.aws.max-connections',
      wholeNumber(1, 10_000),
      '64',
      'Connections that each of the AWS clients keeps at most.',
    ),
    connectTimeoutMs: property(
      'floecat.aws.connect-timeout',
      duration('10ms', '1m'),
      '2s',
      'How long to wait for a new connection to AWS.',
    ),
    budgetCapacity: property(
      'floecat.aws.retry-budget',
      wholeNumber(1, 1_000_000),
      '500',
      'Tokens that the retries of all requests of this process share; a retry takes five, a success gives one back. Once they are spent, what fails is not tried again.',
    ),
  }),
  dynamodbWire: section(
    'Requests to DynamoDB',
    wire('dynamodb', 'DynamoDB', {
      attemptTimeout: '5s',
      deadline: '30s',
      maxAttempts: '12',
      throttleDelay: '100ms',
      // For as long a transaction can be recognised when it is sent again.
      longest: '5m',
    }),
  ),
  s3Wire: section(
    'Requests to S3',
    wire('s3', 'S3', {
      attemptTimeout: '60s',
      deadline: '180s',
      maxAttempts: '8',
      throttleDelay: '250ms',
      longest: '30m',
    }),
  ),
  secretsWire: section(
    'Requests to Secrets Manager',
    wire('secretsmanager', 'Secrets Manager', {
      attemptTimeout: '10s',
      deadline: '30s',
      maxAttempts: '8',
      throttleDelay: '250ms',
      longest: '30m',
    }),
  ),
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
  upstreamS3: section('Upstream tables in S3', {
    locations: property(
      'floecat.upstream.s3.locations',
      s3Locations,
      '',
      'The places in S3 that upstream tables may be read from, such as `s3://lake/, s3://old/warehouse/`; `s3://` is every bucket that the credentials reach. Nothing else is read from S3. `floecat.upstream.locations` wins where both cover a location.',
    ),
    ...s3Access('floecat.upstream.s3', 'upstream tables'),
    secret: optional(
      'floecat.upstream.s3.secret',
      secretId,
      'A secret of the account, as `type/id`, that holds the key for upstream tables as JSON: `accessKeyId`, `secretAccessKey` and, if there is one, `sessionToken`. Instead of the three properties.',
    ),
  }),
};
