import type { AwsPlace, PolicyStatement } from './policy-document.ts';
import { allow } from './policy-document.ts';
import { keyResource } from './kms-key.ts';

/** What a key is used for. */
export interface KeyUse {
  readonly service: string;
  readonly actions: readonly string[];
  readonly context?: Readonly<Record<string, readonly string[]>>;
}

export function useKey(sid: string, key: string, place: AwsPlace, use: KeyUse): PolicyStatement {
  const { partition = 'aws', region, accountId } = place;
  const { resource, condition } = keyResource(key, { partition, region, accountId });
  const suffix = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
  return allow(sid, 'kms', use.actions, [resource], {
    StringEquals: { 'kms:ViaService': `${use.service}.${region}.${suffix}` },
    ...condition,
    ...(use.context && { StringLike: use.context }),
  });
}

/** The keys of a store and what they encrypt. */
export interface StoreKeys {
  readonly table: string | undefined;
  readonly objects: readonly string[];
  /** ARNs that S3 may name as what it encrypts: with a bucket key the bucket, else the objects. */
  readonly encrypted: readonly string[];
}

/** Leave to use the customer's own keys, through the service that they encrypt for and nowhere else. */
export function keyStatements({ table, objects, encrypted }: StoreKeys, place: AwsPlace): PolicyStatement[] {
  const ofTable = useTableKey(table, place, [
    'Decrypt',
    'DescribeKey',
    'Encrypt',
    'GenerateDataKey*',
    'ReEncrypt*',
  ]);
  const ofObjects = objects.map((key, index) =>
    useKey(`BlobKey${index + 1}`, key, place, {
      service: 's3',
      actions: ['Decrypt', 'GenerateDataKey'],
      context: { 'kms:EncryptionContext:aws:s3:arn': encrypted },
    }),
  );
  return [...ofTable, ...ofObjects];
}

/** What making a table takes beside: DynamoDB keeps a grant of its own. */
export function grantStatements({ table }: StoreKeys, place: AwsPlace): PolicyStatement[] {
  return useTableKey(table, place, ['CreateGrant']).map((statement) => ({
    ...statement,
    Sid: 'TableKeyGrant',
    Condition: { ...statement.Condition, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
  }));
}

function useTableKey(
  key: string | undefined,
  place: AwsPlace,
  actions: readonly string[],
): PolicyStatement[] {
  return key === undefined ? [] : [useKey('TableKey', key, place, { service: 'dynamodb', actions })];
}
