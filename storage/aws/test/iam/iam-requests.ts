import type { RecordedCall, SessionTags } from './call-recorder.ts';
import type { Context, Request } from './evaluate.ts';

/** Where the recorded calls went. */
export interface Place {
  readonly region: string;
  readonly accountId: string;
}

type Input = Readonly<Record<string, unknown>>;
type Tags = readonly { readonly Key: string; readonly Value: string }[];

/** Actions of S3 that IAM has under another name than the operation's. */
const S3_BUCKET: Readonly<Record<string, string>> = {
  CreateBucket: 'CreateBucket',
  GetBucketLocation: 'GetBucketLocation',
  GetBucketVersioning: 'GetBucketVersioning',
  PutBucketVersioning: 'PutBucketVersioning',
  GetBucketEncryption: 'GetEncryptionConfiguration',
  PutBucketEncryption: 'PutEncryptionConfiguration',
  GetPublicAccessBlock: 'GetBucketPublicAccessBlock',
  PutPublicAccessBlock: 'PutBucketPublicAccessBlock',
  GetBucketLifecycleConfiguration: 'GetLifecycleConfiguration',
  PutBucketLifecycleConfiguration: 'PutLifecycleConfiguration',
  GetBucketTagging: 'GetBucketTagging',
  PutBucketTagging: 'PutBucketTagging',
  ListObjectsV2: 'ListBucket',
  ListObjectVersions: 'ListBucketVersions',
};
const S3_OBJECT: Readonly<Record<string, readonly [plain: string, version: string]>> = {
  GetObject: ['GetObject', 'GetObjectVersion'],
  HeadObject: ['GetObject', 'GetObjectVersion'],
  DeleteObject: ['DeleteObject', 'DeleteObjectVersion'],
  GetObjectTagging: ['GetObjectTagging', 'GetObjectVersionTagging'],
  PutObjectTagging: ['PutObjectTagging', 'PutObjectVersionTagging'],
};
const ABSENT = new Set(['NoSuchKey', 'NoSuchVersion', 'NotFound']);
const DYNAMO_PLAIN = new Set([
  'CreateTable',
  'DescribeContinuousBackups',
  'DescribeTable',
  'DescribeTimeToLive',
  'GetItem',
  'PutItem',
  'Query',
  'Scan',
  'UpdateContinuousBackups',
  'UpdateTable',
  'UpdateTimeToLive',
]);
const IN_TRANSACTION: Readonly<Record<string, string>> = {
  ConditionCheck: 'ConditionCheckItem',
  Delete: 'DeleteItem',
  Put: 'PutItem',
  Update: 'UpdateItem',
};
const SECRETS = new Set([
  'CreateSecret',
  'DeleteSecret',
  'DescribeSecret',
  'GetSecretValue',
  'PutSecretValue',
  'RestoreSecret',
  'TagResource',
]);

/** What IAM is asked for the recorded calls, in their order. An operation that is not known here fails the test. */
export class IamRequests {
  readonly #place: Place;
  readonly #sessions: SessionTags;
  /** Tags that each secret has by now. */
  readonly #secretTags = new Map<string, Record<string, string>>();

  constructor(place: Place, sessions: SessionTags) {
    this.#place = place;
    this.#sessions = sessions;
  }

  of(call: RecordedCall): readonly Request[] {
    if (call.service === 'DynamoDB') return this.#dynamo(call);
    if (call.service === 'S3') return this.#s3(call);
    if (call.service === 'SecretsManager') return this.#secrets(call);
    if (call.operation === 'AssumeRole') return this.#assume(call);
    throw unknown(call);
  }

  #dynamo(call: RecordedCall): Request[] {
    const { operation, input } = call;
    const table = (name: unknown, action: string, context: Context = {}): Request => ({
      action: `dynamodb:${action}`,
      resource: `arn:aws:dynamodb:${this.#place.region}:${this.#place.accountId}:table/${String(name)}`,
      context,
    });
    if (operation === 'TransactWriteItems')
      return (input['TransactItems'] as Record<string, Input>[]).flatMap((item) =>
        Object.entries(item).map(([kind, of]) =>
          table(of['TableName'], IN_TRANSACTION[kind] ?? kind, leadingKey(of)),
        ),
      );
    if (operation === 'BatchGetItem' || operation === 'BatchWriteItem')
      return Object.keys(input['RequestItems'] as object).map((name) => table(name, operation));
    if (operation === 'ListTagsOfResource' || operation === 'TagResource')
      return [{ action: `dynamodb:${operation}`, resource: String(input['ResourceArn']), context: {} }];
    if (!DYNAMO_PLAIN.has(operation)) throw unknown(call);
    return [
      table(input['TableName'], operation, leadingKey(input)),
      // Tags that a table is made with.
      ...(input['Tags'] ? [table(input['TableName'], 'TagResource')] : []),
    ];
  }

  #s3(call: RecordedCall): Request[] {
    const { operation, input, error = '' } = call;
    const bucket = `arn:aws:s3:::${String(input['Bucket'])}`;
    const ask = (action: string, key?: string, context: Context = {}): Request => ({
      action: `s3:${action}`,
      resource: key === undefined ? bucket : `${bucket}/${key}`,
      context,
    });
    const key = String(input['Key']);
    const onBucket = S3_BUCKET[operation];
    if (onBucket) return [ask(onBucket, undefined, { 's3:prefix': input['Prefix'] as string | undefined })];
    if (operation === 'PutObject')
      return [
        ask('PutObject', key),
        ...(input['Tagging'] === undefined ? [] : [ask('PutObjectTagging', key)]),
      ];
    if (operation === 'DeleteObjects')
      return (input['Delete'] as { Objects: { Key: string; VersionId?: string }[] }).Objects.map((object) =>
        ask(object.VersionId === undefined ? 'DeleteObject' : 'DeleteObjectVersion', object.Key),
      );
    const [plain, version] = S3_OBJECT[operation] ?? [];
    if (!plain || !version) throw unknown(call);
    const own = ask(input['VersionId'] === undefined ? plain : version, key);
    // S3 says that an object does not exist to those alone that may list it, by its key.
    return ABSENT.has(error) ? [own, ask('ListBucket', undefined, { 's3:prefix': key })] : [own];
  }

  #secrets({ operation, input, accessKeyId, error, ...call }: RecordedCall): Request[] {
    const session = Object.entries(this.#sessions.get(accessKeyId) ?? {});
    const principal = Object.fromEntries(session.map(([key, value]) => [`aws:PrincipalTag/${key}`, value]));
    if (operation === 'ListSecrets')
      return [{ action: 'secretsmanager:ListSecrets', resource: '*', context: principal }];
    if (!SECRETS.has(operation)) throw unknown({ operation, input, accessKeyId, ...call });
    const name = String(input['SecretId'] ?? input['Name']);
    const given = tagsOf(input['Tags'] as Tags | undefined);
    const has = this.#secretTags.get(name) ?? {};
    const context: Context = {
      ...principal,
      ...prefixed('aws:ResourceTag/', operation === 'CreateSecret' ? {} : has),
      ...prefixed('aws:RequestTag/', given),
      ...(input['Tags'] !== undefined && { 'aws:TagKeys': Object.keys(given) }),
      'secretsmanager:RecoveryWindowInDays': input['RecoveryWindowInDays']?.toString(),
    };
    if (error === undefined && input['Tags'] !== undefined) this.#secretTags.set(name, { ...has, ...given });
    const { region, accountId } = this.#place;
    // AWS adds six characters of its own to the name.
    const resource = `arn:aws:secretsmanager:${region}:${accountId}:secret:${name}-a1B2c3`;
    const actions = operation === 'CreateSecret' ? [operation, 'TagResource'] : [operation];
    return actions.map((action) => ({ action: `secretsmanager:${action}`, resource, context }));
  }

  #assume({ input }: RecordedCall): Request[] {
    const tags = tagsOf(input['Tags'] as Tags);
    const context: Context = {
      ...prefixed('aws:RequestTag/', tags),
      'aws:TagKeys': Object.keys(tags),
      'sts:ExternalId': input['ExternalId'] as string | undefined,
      'sts:RoleSessionName': input['RoleSessionName'] as string,
    };
    const resource = String(input['RoleArn']);
    return ['sts:AssumeRole', 'sts:TagSession'].map((action) => ({ action, resource, context }));
  }
}

/** Of a request for one row. */
function leadingKey(input: Input): Context {
  const row = (input['Key'] ?? input['Item']) as { readonly shard?: { readonly S?: string } } | undefined;
  return { 'dynamodb:LeadingKeys': row?.shard?.S === undefined ? undefined : [row.shard.S] };
}

function tagsOf(tags: Tags = []): Record<string, string> {
  return Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));
}

function prefixed(prefix: string, tags: Readonly<Record<string, string>>): Context {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [prefix + key, value]));
}

function unknown({ service, operation }: RecordedCall): Error {
  return new Error(`the recorder does not know which IAM action ${service} ${operation} takes; add it`);
}
