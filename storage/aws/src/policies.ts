import type { AwsStorageConfig } from './aws-store.ts';
import { SYSTEM_SHARD } from './dynamo/dynamo-constants.ts';
import type { StoreKeys } from './iam/key-statements.ts';
import { grantStatements, keyStatements } from './iam/key-statements.ts';
import type { AwsPlace, PolicyCondition, PolicyDocument, PolicyStatement } from './iam/policy-document.ts';
import { allow, documentOf, literal } from './iam/policy-document.ts';
import { secretsOfProcess, secretsRole } from './iam/secrets-policies.ts';
import { MARKER_NAME } from './s3/store-marker.ts';

/** What of a store's settings its policies and its Terraform depend on. */
export type StoreDescription = Pick<AwsStorageConfig, 'pointers' | 'blobs' | 'secrets'>;

export interface StoragePolicies {
  /** The service: pointers, blobs but for deleting them, and secrets. */
  readonly runtime: PolicyDocument;
  /** The collectors: they alone delete blobs, and write none. A service that runs them needs both. */
  readonly collector: PolicyDocument;
  /** `floecat bootstrap`: makes table, bucket and store. A service with auto-create needs it too. */
  readonly bootstrap: PolicyDocument;
  /** Restore, rebuild and repair: they write as the service does, and delete as the collectors do. */
  readonly recovery: PolicyDocument;
  /** Of the role that each account's secrets are reached under, where one is configured. */
  readonly secretsRole?: { readonly policy: PolicyDocument; readonly trust: PolicyDocument };
}

/** The ARNs of one store. */
interface Names {
  readonly table: string;
  readonly bucket: string;
  readonly keyPrefix: string;
  /** All of the store's objects. */
  readonly objects: string;
  readonly marker: string;
}

const READ_ROWS = ['BatchGetItem', 'GetItem', 'Query'];
/** ConditionCheckItem is what a transaction takes for the rows that it only compares. */
const WRITE_ROWS = ['ConditionCheckItem', 'DeleteItem', 'PutItem'];
const LOOK_AT_TABLE = ['DescribeTable', 'DescribeTimeToLive'];
const LOOK_AT_BUCKET = ['GetBucketLocation', 'GetBucketVersioning', 'GetLifecycleConfiguration'];
const READ_OBJECTS = ['GetObject', 'GetObjectTagging', 'GetObjectVersion', 'GetObjectVersionTagging'];
/** PutObjectTagging is what a put takes for its tags. */
const WRITE_OBJECTS = ['PutObject', 'PutObjectTagging'];
/** How a blob is marked as lost. */
const MARK_OBJECTS = ['PutObjectVersionTagging'];
const DELETE_OBJECTS = ['DeleteObject', 'DeleteObjectVersion'];

/**
 * The least that each kind of process needs on AWS, for IAM. Nothing in them deletes a table or a bucket, or switches
 * versioning or protection off.
 */
export function storagePolicies(store: StoreDescription, place: AwsPlace): StoragePolicies {
  const names = namesOf(store, place);
  const keys = keysOf(store, names);
  const useKeys = keyStatements(keys, place);
  const rows = [...READ_ROWS, ...WRITE_ROWS, ...LOOK_AT_TABLE];
  const role = store.secrets?.role;
  return {
    runtime: documentOf([
      allow('Pointers', 'dynamodb', rows, [names.table]),
      allow('Blobs', 's3', [...READ_OBJECTS, ...WRITE_OBJECTS, ...MARK_OBJECTS], [names.objects]),
      ...bucketStatements(names, ['ListBucket']),
      ...useKeys,
      ...(store.secrets ? secretsOfProcess(store.secrets, place) : []),
    ]),
    collector: documentOf([
      allow('Pointers', 'dynamodb', rows, [names.table]),
      allow('Blobs', 's3', [...READ_OBJECTS, ...MARK_OBJECTS, ...DELETE_OBJECTS], [names.objects]),
      ...bucketStatements(names, ['ListBucket', 'ListBucketVersions']),
      ...useKeys,
    ]),
    bootstrap: documentOf([
      ...bootstrapStatements(store, names),
      ...useKeys,
      ...grantStatements(keys, place),
    ]),
    recovery: documentOf([
      allow('Pointers', 'dynamodb', [...rows, 'BatchWriteItem'], [names.table]),
      allow(
        'Blobs',
        's3',
        [...READ_OBJECTS, ...WRITE_OBJECTS, ...MARK_OBJECTS, ...DELETE_OBJECTS],
        [names.objects],
      ),
      ...bucketStatements(names, ['ListBucket', 'ListBucketVersions']),
      ...useKeys,
    ]),
    ...(role && { secretsRole: secretsRole({ ...store.secrets, role }, place) }),
  };
}

function namesOf({ pointers, blobs }: StoreDescription, place: AwsPlace): Names {
  const { partition = 'aws', region, accountId } = place;
  const { bucket } = blobs.objects;
  const keyPrefix = literal(blobs.objects.keyPrefix ?? '');
  const arn = `arn:${partition}:s3:::${bucket}`;
  return {
    table: `arn:${partition}:dynamodb:${region}:${accountId}:table/${pointers.tableName}`,
    bucket: arn,
    keyPrefix,
    objects: `${arn}/${keyPrefix}*`,
    marker: `${arn}/${keyPrefix}${MARKER_NAME}`,
  };
}

function keysOf({ pointers, blobs }: StoreDescription, { bucket, objects }: Names): StoreKeys {
  const keys = [blobs.objects.encryption, blobs.bucket?.encryption].map((each) =>
    each && 'keyId' in each ? each.keyId : undefined,
  );
  return {
    table: pointers.table?.kmsKeyId,
    objects: [...new Set(keys.filter((key) => key !== undefined))],
    encrypted: [bucket, objects],
  };
}

/** Of listings, narrowed to the store's part of the bucket. */
function below(keyPrefix: string): PolicyCondition {
  return keyPrefix === '' ? {} : { StringLike: { 's3:prefix': `${keyPrefix}*` } };
}

/**
 * ListBucket is also what makes S3 answer that an object does not exist, and not that it may not be seen; there it
 * takes the key for the prefix of a listing.
 */
function bucketStatements({ bucket, keyPrefix }: Names, list: readonly string[]): PolicyStatement[] {
  return [
    allow('ListBlobs', 's3', list, [bucket], below(keyPrefix)),
    allow('LookAtBucket', 's3', LOOK_AT_BUCKET, [bucket]),
  ];
}

function bootstrapStatements({ pointers, blobs }: StoreDescription, names: Names): PolicyStatement[] {
  const { pointInTimeRecovery = true, ttlEnabled = true, deletionProtection = true } = pointers.table ?? {};
  const { blockPublicAccess = true, tags } = blobs.bucket ?? {};
  const table = [
    ...LOOK_AT_TABLE,
    'CreateTable',
    'Scan',
    ...(ttlEnabled ? ['UpdateTimeToLive'] : []),
    ...(pointInTimeRecovery ? ['DescribeContinuousBackups', 'UpdateContinuousBackups'] : []),
    ...(deletionProtection ? ['UpdateTable'] : []),
    ...(hasTags(pointers.table?.tags) ? ['ListTagsOfResource', 'TagResource'] : []),
  ];
  const bucket = [
    ...LOOK_AT_BUCKET,
    'CreateBucket',
    'GetEncryptionConfiguration',
    'ListBucketVersions',
    'PutBucketVersioning',
    'PutEncryptionConfiguration',
    'PutLifecycleConfiguration',
    ...(blockPublicAccess ? ['GetBucketPublicAccessBlock', 'PutBucketPublicAccessBlock'] : []),
    ...(hasTags(tags) ? ['GetBucketTagging', 'PutBucketTagging'] : []),
  ];
  return [
    allow('Table', 'dynamodb', table, [names.table]),
    // The layout row, and no pointer.
    allow('Layout', 'dynamodb', ['GetItem', 'PutItem'], [names.table], {
      'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [SYSTEM_SHARD] },
    }),
    allow('Bucket', 's3', bucket, [names.bucket]),
    allow('Marker', 's3', ['GetObject', 'PutObject'], [names.marker]),
    allow('SeeMarkerAbsent', 's3', ['ListBucket'], [names.bucket], below(names.keyPrefix)),
  ];
}

function hasTags(tags: Readonly<Record<string, string>> = {}): boolean {
  return Object.keys(tags).length > 0;
}

export type { AwsPlace, PolicyDocument, PolicyStatement } from './iam/policy-document.ts';
