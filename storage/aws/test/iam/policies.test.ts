import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, suite, test } from 'node:test';

import type { DynamoDB } from '@aws-sdk/client-dynamodb';
import type { S3 } from '@aws-sdk/client-s3';
import type { AwsStorageConfig, PolicyDocument, StoragePolicies } from '@floecat/storage-aws';
import {
  AwsBootstrap,
  AwsClients,
  defaultBuilders,
  openAwsStorage,
  storagePolicies,
} from '@floecat/storage-aws';
import type { Storage } from '@floecat/storage-spi';
import type { ContractCase, StorageFixture } from '@floecat/storage-testkit';
import {
  blobContract,
  createFixture,
  FakeClock,
  pointerContract,
  runContract,
  secretsContract,
} from '@floecat/storage-testkit';

import { startEndpoint } from '../s3/endpoint.ts';
import type { RecordedCall, Role } from './call-recorder.ts';
import { CallRecorder } from './call-recorder.ts';
import { allowing } from './evaluate.ts';
import { IamRequests } from './iam-requests.ts';

const server = await startEndpoint();
const endpoint = 'skip' in server ? '' : server.endpoint;
after(async () => {
  if (!('skip' in server)) await server[Symbol.asyncDispose]();
});

/** Where the emulator says that it is. */
const PLACE = { region: 'us-east-1', accountId: '000000000000' };
const SETTINGS = {
  region: PLACE.region,
  endpoints: { dynamodb: endpoint, s3: endpoint, secretsManager: endpoint, sts: endpoint },
  accessKeyId: 'test',
  secretAccessKey: 'test',
  pathStyleAccess: true,
};
const ROLE_ARN = `arn:aws:iam::${PLACE.accountId}:role/floecat-secrets`;
const KEY_ARN = `arn:aws:kms:${PLACE.region}:${PLACE.accountId}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
const ROLES: readonly Role[] = ['runtime', 'collector', 'bootstrap', 'recovery'];
/**
 * Cases left out here, which run elsewhere: they take long and send no other kind of request than the rest, or make
 * URIs that have no room beside a key prefix, or look at the fixture's clock.
 */
const LEFT_OUT = new RegExp(
  [
    'aborted in flight',
    'acknowledged',
    'audit',
    'below it, to any depth',
    'blobs come in pages',
    'clamped',
    'damaged token',
    'full header',
    'goes on after a key',
    'linearizable',
    'long stretch',
    'loops of ten',
    'many short segments',
    'of exactly 1024',
    'of their own',
    'race',
    'rows',
    'signal is let go',
    'while walking',
    '4194304',
    '64 creators',
    '67108864',
  ].join('|'),
);

type Secrets = NonNullable<AwsStorageConfig['secrets']>;
type Life = Awaited<ReturnType<typeof recordLife>>;

/** A store that is tagged and below a key prefix, so that every part of the policies is needed. */
function configOf(aws: AwsClients, name: string, secrets: Secrets): AwsStorageConfig {
  const encryption = { algorithm: 'aws:kms', keyId: KEY_ARN } as const;
  return {
    aws,
    pointers: { tableName: `pointers-${name}`, table: { tags: { team: 'lake' }, kmsKeyId: KEY_ARN } },
    blobs: {
      objects: { bucket: `lake-${name}`, keyPrefix: 'one/', encryption },
      autoCreate: true,
      bucket: { tags: { team: 'lake' }, encryption, region: PLACE.region },
    },
    secrets,
    layout: { shards: 4 },
  };
}

/** Requests that S3 and DynamoDB answer, made beside the store and not recorded. */
interface Admin {
  readonly s3: S3;
  readonly dynamodb: DynamoDB;
}

/** Everything that a store does in its life, recorded. */
async function recordLife(
  secrets: Secrets,
  cases: readonly ContractCase[],
): Promise<{ recorder: CallRecorder; policies: StoragePolicies }> {
  const recorder = new CallRecorder();
  await using aws = new AwsClients(SETTINGS, {
    dynamodb: (settings) => recorder.attach(defaultBuilders.dynamodb(settings)),
    s3: (settings) => recorder.attach(defaultBuilders.s3(settings)),
    secretsManager: (settings) => recorder.attach(defaultBuilders.secretsManager(settings)),
    sts: (settings) => recorder.attach(defaultBuilders.sts(settings)),
  });
  await using beside = new AwsClients(SETTINGS);
  const config = configOf(aws, randomBytes(6).toString('hex'), secrets);
  await bootstrapAll(recorder, config, beside);
  await useAll(recorder, { ...config, blobs: { ...config.blobs, autoCreate: false } }, cases, beside);
  return { recorder, policies: storagePolicies(config, PLACE) };
}

/** Makes a store in nothing, in an unfinished table and bucket, and joins one to another table. */
async function bootstrapAll(recorder: CallRecorder, config: AwsStorageConfig, admin: Admin): Promise<void> {
  const TableName = config.pointers.tableName;
  const Bucket = config.blobs.objects.bucket;
  const bootstrap = new AwsBootstrap(config);
  const run = async (): Promise<void> => {
    const left = await bootstrap.apply(await bootstrap.plan());
    assert.deepEqual(left, []);
  };
  await recorder.as(['bootstrap'], run);
  await admin.dynamodb.updateTable({ TableName, DeletionProtectionEnabled: false });
  await admin.dynamodb.deleteTable({ TableName });
  await admin.dynamodb.createTable({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    SSESpecification: { Enabled: true, SSEType: 'KMS', KMSMasterKeyId: KEY_ARN },
    AttributeDefinitions: [
      { AttributeName: 'shard', AttributeType: 'S' },
      { AttributeName: 'key', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'shard', KeyType: 'HASH' },
      { AttributeName: 'key', KeyType: 'RANGE' },
    ],
  });
  await admin.s3.putObject({ Bucket, Key: 'one/accounts/a/x', Body: 'x' });
  await recorder.as(['bootstrap'], async () => {
    assert.equal((await bootstrap.adopt())?.epoch, 2);
    await run();
  });
}

/** Runs the contract suites, and what they do not do. */
async function useAll(
  recorder: CallRecorder,
  config: AwsStorageConfig,
  cases: readonly ContractCase[],
  admin: Admin,
): Promise<void> {
  const open = async (): Promise<Storage> =>
    recorder.as(['runtime', 'collector', 'recovery'], async () =>
      recorder.wrap(await openAwsStorage(config)),
    );
  const results = await runContract(cases, () => fixtureOf(open));
  for (const result of results) if (result.outcome === 'failed') throw result.error;
  assert.ok(results.some(({ outcome }) => outcome === 'passed'));

  await using storage = await open();
  const prefix = '/accounts/blindly/tables/by-id/';
  await storage.pointers.compareAndSet(`${prefix}a`, 0, { kind: 'value', value: 'x' });
  assert.ok((await storage.system.compareAndSet('/leases/gc', 0, { kind: 'value', value: 'x' })).applied);
  const { deleted } = await storage.pointers.deleteByPrefix(prefix, { unconditional: true });
  assert.equal(deleted, 1);
  // What was put while versioning was off for a while has no version of its own.
  const Bucket = config.blobs.objects.bucket;
  const versioning = (Status: 'Enabled' | 'Suspended') =>
    admin.s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status } });
  await versioning('Suspended');
  await storage.blobs.put('/accounts/a/plain', Buffer.from('x'));
  await versioning('Enabled');
  assert.deepEqual((await storage.blobs.head('/accounts/a/plain')).tags, {});
}

function fixtureOf(open: () => Promise<Storage>): Promise<StorageFixture> {
  return createFixture({
    open,
    clock: new FakeClock(),
    prefix: `/accounts/${randomBytes(6).toString('hex')}/`,
    capabilities: {
      secondClient: true,
      restart: true,
      ownStore: false,
      movableClock: false,
      keepsExpired: true,
      versionedDeletes: true,
      orderedVersionIds: false,
      damagesBlobs: false,
    },
  });
}

/** What of a policy no recorded call needed, as `Sid action`. */
function unneeded(policy: PolicyDocument, needed: ReadonlySet<string>): string[] {
  return policy.Statement.flatMap(({ Sid, Action }) => Action.map((action) => `${Sid} ${action}`)).filter(
    (each) => !needed.has(each),
  );
}

interface Checked {
  /** Calls that the policies of their role do not allow, each once. */
  readonly denied: readonly string[];
  /** What of each policy no call needed. */
  readonly unneeded: Readonly<Record<string, readonly string[]>>;
}

/** Compares calls and policies, both ways. */
function check(recorder: CallRecorder, policies: StoragePolicies, calls: readonly RecordedCall[]): Checked {
  const requests = new IamRequests(PLACE, recorder.sessions);
  const denied = new Set<string>();
  const needed = new Map<string, Set<string>>();
  const ask = (name: string, policy: PolicyDocument, request: Parameters<typeof allowing>[1]): void => {
    const statements = allowing(policy, request);
    if (statements.length === 0) denied.add(`${name}: ${request.action} on ${request.resource}`);
    const used = needed.get(name) ?? new Set();
    for (const { Sid } of statements) used.add(`${Sid} ${request.action}`);
    needed.set(name, used);
  };
  for (const call of calls) {
    assert.ok(call.roles.length > 0, `nobody may make the call ${call.operation}`);
    const session = recorder.sessions.has(call.accessKeyId);
    for (const request of requests.of(call)) {
      if (session && policies.secretsRole) ask('secrets', policies.secretsRole.policy, request);
      else for (const role of call.roles) ask(role, policies[role], request);
      if (call.service === 'STS' && policies.secretsRole) ask('trust', policies.secretsRole.trust, request);
    }
  }
  const all: [string, PolicyDocument][] = ROLES.map((role) => [role, policies[role]]);
  if (policies.secretsRole)
    all.push(['secrets', policies.secretsRole.policy], ['trust', policies.secretsRole.trust]);
  return {
    denied: [...denied],
    unneeded: Object.fromEntries(
      all.map(([name, policy]) => [name, unneeded(policy, needed.get(name) ?? new Set())]),
    ),
  };
}

const KEYS_IN_USE = [
  'TableKey kms:Decrypt',
  'TableKey kms:DescribeKey',
  'TableKey kms:Encrypt',
  'TableKey kms:GenerateDataKey*',
  'TableKey kms:ReEncrypt*',
  'BlobKey1 kms:Decrypt',
  'BlobKey1 kms:GenerateDataKey',
];
/** What no client calls: DynamoDB and S3 ask KMS themselves, with the caller's leave, and an emulator has no KMS. */
const UNNEEDED = {
  runtime: KEYS_IN_USE,
  collector: KEYS_IN_USE,
  bootstrap: [...KEYS_IN_USE, 'TableKeyGrant kms:CreateGrant'],
  recovery: KEYS_IN_USE,
};

suite('the policies and the calls of the store', { skip: 'skip' in server ? server.skip : false }, () => {
  let own: Life;
  let sessions: Life;

  before(async () => {
    const all = [...pointerContract, ...blobContract, ...secretsContract];
    const cases = all.filter(({ name }) => !LEFT_OUT.test(name));
    own = await recordLife({}, cases);
    const secrets = secretsContract.filter(({ name }) => !LEFT_OUT.test(name));
    sessions = await recordLife({ role: { roleArn: ROLE_ARN, externalId: 'x1' } }, secrets);
  });

  test('every call is allowed and every action needed, with the credentials of the process', (t) => {
    const { recorder, policies } = own;
    assert.equal(policies.secretsRole, undefined);
    const { denied, unneeded: left } = check(recorder, policies, recorder.calls);
    t.diagnostic(`${recorder.calls.length} calls were recorded`);
    assert.deepEqual(denied, []);
    assert.deepEqual(left, UNNEEDED);
  });

  test('every call is allowed and every action needed, with a role for each account', (t) => {
    const { recorder, policies } = sessions;
    const { denied, unneeded: left } = check(recorder, policies, recorder.calls);
    t.diagnostic(`${recorder.calls.length} calls were recorded, under ${recorder.sessions.size} sessions`);
    assert.ok(recorder.sessions.size > 10);
    assert.deepEqual(denied, []);
    assert.deepEqual([left['secrets'], left['trust']], [[], []]);
    assert.deepEqual(
      left['runtime']?.filter((each) => each.startsWith('AccountSessions')),
      [],
    );
  });
});
