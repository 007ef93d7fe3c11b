import type { PolicyCondition, PolicyDocument, PolicyStatement, AwsPlace } from './policy-document.ts';
import { allow, documentOf } from './policy-document.ts';
import type { AwsStorageConfig } from '../aws-store.ts';
import type { AccountRoleSettings } from '../secrets/account-role.ts';
import { ACCOUNT_TAG, SESSION_PREFIX } from '../secrets/account-role.ts';
import { DEFAULT_RECOVERY_DAYS } from '../secrets/prod-secrets-manager.ts';
import { SECRETS_ROOT } from '../secrets/secret-names.ts';
import { useKey } from './key-statements.ts';

type Secrets = NonNullable<AwsStorageConfig['secrets']>;

/** The account of the session that makes a request. */
const OWN = `\${aws:PrincipalTag/${ACCOUNT_TAG}}`;
const USE = ['DescribeSecret', 'GetSecretValue', 'PutSecretValue', 'RestoreSecret'];

/** What the service itself needs for secrets: to assume the accounts' role, or else all of it. */
export function secretsOfProcess(secrets: Secrets, place: AwsPlace): PolicyStatement[] {
  if (!secrets.role) return [...useSecrets(secrets, place, {}), ...keyOf(secrets, place)];
  const { roleArn } = secrets.role;
  return [
    allow('AccountSessions', 'sts', ['AssumeRole', 'TagSession'], [roleArn], {
      'ForAllValues:StringEquals': { 'aws:TagKeys': [ACCOUNT_TAG] },
    }),
  ];
}

/** The role that each account's calls run under: a session reaches the secrets of its own account alone. */
export function secretsRole(
  secrets: Secrets & { readonly role: AccountRoleSettings },
  place: AwsPlace,
): { readonly policy: PolicyDocument; readonly trust: PolicyDocument } {
  const { partition = 'aws', accountId, trustedArns = [`arn:${partition}:iam::${accountId}:root`] } = place;
  const { externalId } = secrets.role;
  const Principal = { AWS: trustedArns };
  const tagged = {
    StringLike: { [`aws:RequestTag/${ACCOUNT_TAG}`]: '*' },
    'ForAllValues:StringEquals': { 'aws:TagKeys': [ACCOUNT_TAG] },
  };
  return {
    policy: documentOf([...useSecrets(secrets, place, ownOnly()), ...keyOf(secrets, place)]),
    trust: documentOf([
      {
        Sid: 'AssumeForAnAccount',
        Effect: 'Allow',
        Principal,
        Action: ['sts:AssumeRole'],
        Condition: {
          ...tagged,
          StringLike: { ...tagged.StringLike, 'sts:RoleSessionName': `${SESSION_PREFIX}*` },
          ...(externalId !== undefined && { StringEquals: { 'sts:ExternalId': externalId } }),
        },
      },
      {
        Sid: 'TagWithTheAccount',
        Effect: 'Allow',
        Principal,
        Action: ['sts:TagSession'],
        Condition: tagged,
      },
    ]),
  };
}

interface OwnOnly {
  /** For a secret that exists. */
  readonly existing?: PolicyCondition;
  /** For the tag that a secret is given. */
  readonly given?: PolicyCondition;
}

/**
 * A secret that does not exist has no tag to compare, and a condition that asks for one would have AWS answer "access
 * denied" for it, and not "not found": hence IfExists. Every secret of this store has the tag from its first moment.
 */
function ownOnly(): OwnOnly {
  const existing = { StringEqualsIfExists: { [`aws:ResourceTag/${ACCOUNT_TAG}`]: OWN } };
  return { existing, given: { StringEquals: { [`aws:RequestTag/${ACCOUNT_TAG}`]: OWN } } };
}

function useSecrets(
  { recoveryDays = DEFAULT_RECOVERY_DAYS }: Secrets,
  place: AwsPlace,
  { existing = {}, given = {} }: OwnOnly,
): PolicyStatement[] {
  const secrets = [secretsArn(place)];
  const onlyTag = { 'ForAllValues:StringEquals': { 'aws:TagKeys': [ACCOUNT_TAG] } };
  return [
    allow('UseSecrets', 'secretsmanager', USE, secrets, existing),
    allow('MakeSecrets', 'secretsmanager', ['CreateSecret'], secrets, { ...given, ...onlyTag }),
    // Also for the tag of a secret that is being made.
    allow('TagSecrets', 'secretsmanager', ['TagResource'], secrets, { ...existing, ...given, ...onlyTag }),
    // Not at once and for ever.
    allow('DeleteSecrets', 'secretsmanager', ['DeleteSecret'], secrets, {
      ...existing,
      NumericGreaterThanEquals: { 'secretsmanager:RecoveryWindowInDays': String(recoveryDays) },
    }),
    // AWS knows no narrower leave: it shows names and tags of all secrets, and no value.
    allow('ListSecrets', 'secretsmanager', ['ListSecrets'], ['*']),
  ];
}

function keyOf({ kmsKeyId }: Secrets, place: AwsPlace): PolicyStatement[] {
  if (kmsKeyId === undefined) return [];
  const use = { service: 'secretsmanager', actions: ['Decrypt', 'GenerateDataKey'] };
  return [
    useKey('SecretsKey', kmsKeyId, place, {
      ...use,
      context: { 'kms:EncryptionContext:SecretARN': [secretsArn(place)] },
    }),
  ];
}

function secretsArn({ partition = 'aws', region, accountId }: AwsPlace): string {
  return `arn:${partition}:secretsmanager:${region}:${accountId}:secret:${SECRETS_ROOT}*`;
}
