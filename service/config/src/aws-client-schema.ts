import { s3Locations } from './aws-types.ts';
import { duration, wholeNumber } from './number-types.ts';
import { optional, property, section } from './property.ts';
import { boolean, secret, secretId, shortText, url } from './text-types.ts';

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

/** How AWS is reached, signed for and asked again; and the same of upstream tables in S3. */
export const AWS_CLIENT_SCHEMA = {
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
      'Tokens that the retries of all requests and changes of this process share, whatever the backend; a retry takes five, a success gives one back. Once they are spent, what fails is not tried again.',
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
