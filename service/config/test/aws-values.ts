/** Bad and good values of the properties of the AWS backend, by name. */
const NO_BOOLEANS = ['', 'TRUE', 'yes', '1'];
const NO_NUMBERS = ['', 'NaN', '-1', '1.5', '1e3', '0x10', 'ten'];
const NO_DURATIONS = ['', 'NaN', '5', '-1s', '1.5s', '5 s', '5S', '1w'];
const NO_URLS = ['', 'localhost:4566', 'ftp://x', 'http://', 'http://user:pass@localhost/'];
const NO_TAGS = ['a', '=b', 'a=b,', 'a=b,,c=d', 'a=1,a=2'];
const EMPTY = [''];

const access = (prefix: string): Record<string, readonly string[]> => ({
  [`${prefix}.region`]: EMPTY,
  [`${prefix}.endpoint`]: NO_URLS,
  [`${prefix}.access-key-id`]: EMPTY,
  [`${prefix}.secret-access-key`]: EMPTY,
  [`${prefix}.session-token`]: EMPTY,
  [`${prefix}.path-style-access`]: NO_BOOLEANS,
});

const wire = (service: string, longest: string): Record<string, readonly string[]> => ({
  [`floecat.aws.${service}.attempt-timeout`]: [...NO_DURATIONS, '9ms', '6m'],
  [`floecat.aws.${service}.deadline`]: [...NO_DURATIONS, '9ms', longest],
  [`floecat.aws.${service}.max-attempts`]: [...NO_NUMBERS, '0', '101'],
  [`floecat.aws.${service}.base-delay`]: [...NO_DURATIONS, '2m'],
  [`floecat.aws.${service}.throttle-delay`]: [...NO_DURATIONS, '2m'],
  [`floecat.aws.${service}.max-delay`]: [...NO_DURATIONS, '6m'],
});

export const AWS_BAD: Readonly<Record<string, readonly string[]>> = {
  ...access('floecat.fileio.override.s3'),
  'floecat.fileio.override.aws.dynamodb.endpoint-override': NO_URLS,
  'floecat.fileio.override.aws.secretsmanager.endpoint-override': NO_URLS,
  'floecat.fileio.override.aws.sts.endpoint-override': NO_URLS,
  'floecat.aws.max-connections': [...NO_NUMBERS, '0', '10001'],
  'floecat.aws.connect-timeout': [...NO_DURATIONS, '9ms', '2m'],
  'floecat.aws.retry-budget': [...NO_NUMBERS, '0'],
  ...wire('dynamodb', '301s'),
  ...wire('s3', '31m'),
  ...wire('secretsmanager', '31m'),
  'floecat.kv.table': ['', 'x'.repeat(256)],
  'floecat.kv.auto-create': NO_BOOLEANS,
  'floecat.kv.shards': [...NO_NUMBERS, '0', '1025'],
  'floecat.kv.ttl-enabled': NO_BOOLEANS,
  'floecat.kv.billing-mode': ['', 'PAY_PER_REQUEST', 'ondemand'],
  'floecat.kv.read-units': [...NO_NUMBERS, '0'],
  'floecat.kv.write-units': [...NO_NUMBERS, '0'],
  'floecat.kv.point-in-time-recovery': NO_BOOLEANS,
  'floecat.kv.recovery-days': [...NO_NUMBERS, '0', '36'],
  'floecat.kv.deletion-protection': NO_BOOLEANS,
  'floecat.kv.kms-key-id': EMPTY,
  'floecat.kv.table-class': ['', 'standard'],
  'floecat.kv.tags': NO_TAGS,
  'floecat.kv.allow-replicas': NO_BOOLEANS,
  'floecat.blob.s3.bucket': ['', 'x'.repeat(64)],
  'floecat.blob.s3.key-prefix': ['x'.repeat(257)],
  'floecat.blob.s3.auto-create': NO_BOOLEANS,
  'floecat.blob.s3.sse': ['', 'aes256', 'kms', 'none'],
  'floecat.blob.s3.kms-key-id': EMPTY,
  'floecat.blob.s3.bucket-key': NO_BOOLEANS,
  'floecat.blob.s3.storage-class': ['', 'GLACIER', 'DEEP_ARCHIVE', 'standard'],
  'floecat.blob.s3.tags': [...NO_TAGS, 'a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=10'],
  'floecat.blob.s3.bucket-tags': NO_TAGS,
  'floecat.blob.s3.block-public-access': NO_BOOLEANS,
  'floecat.blob.s3.noncurrent-days': [...NO_NUMBERS, '0'],
  'floecat.blob.s3.unfinished-upload-days': [...NO_NUMBERS, '0'],
  'floecat.secrets.aws.role-arn': EMPTY,
  'floecat.secrets.aws.external-id': EMPTY,
  'floecat.secrets.aws.session-duration': [...NO_DURATIONS, '14m', '13h'],
  'floecat.secrets.aws.recovery-days': [...NO_NUMBERS, '6', '31'],
  'floecat.secrets.aws.kms-key-id': EMPTY,
  ...access('floecat.upstream.s3'),
  'floecat.upstream.s3.locations': ['lake', '/lake', 's3:///x', 'gs://lake', 's3://lake,', 's3://lake/*'],
  'floecat.upstream.s3.secret': ['', 'upstream', '/x', 'x/'],
  'floecat.seed.location': EMPTY,
};

/** Those that can be given alone; the others need a partner. */
export const AWS_GOOD: Readonly<Record<string, readonly string[]>> = {
  'floecat.fileio.override.s3.endpoint': ['http://localhost:4566', 'https://s3.example/path'],
  'floecat.fileio.override.s3.region': ['eu-west-1'],
  'floecat.aws.dynamodb.deadline': ['10ms', '5m'],
  'floecat.aws.s3.deadline': ['30m'],
  'floecat.aws.max-connections': ['1', '10000'],
  'floecat.kv.shards': ['1', '1024'],
  'floecat.kv.recovery-days': ['1', '35'],
  'floecat.kv.tags': ['', 'a=b', 'team=lake, env=prod=1, empty='],
  'floecat.blob.s3.key-prefix': ['', 'a/', 'x/y/'],
  'floecat.blob.s3.sse': ['AES256', 'aws:kms', 'aws:kms:dsse'],
  'floecat.secrets.aws.session-duration': ['15m', '900s', '12h'],
  'floecat.upstream.s3.locations': ['', 's3://', 's3://lake', 's3a://lake/x/, S3N://old/'],
  'floecat.upstream.s3.secret': ['s3/upstream', 's3/a/b'],
};
