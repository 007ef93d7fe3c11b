import { createHash } from 'node:crypto';

import type { Clock } from '@floecat/storage-spi';
import { InvalidArgumentError, StorageAccessDeniedError } from '@floecat/storage-spi';

import type { Wire } from '../wire/index.ts';
import { accountTag } from './secret-names.ts';
import type { StsService } from './secrets-service.ts';

/** A role that each account's calls run under, with a session tag that says whose they are. */
export interface AccountRoleSettings {
  readonly roleArn: string;
  /** For a role in another company's account, which should ask for one. */
  readonly externalId?: string;
  /** Default 3,600: the most where this process itself runs under an assumed role. */
  readonly durationSeconds?: number;
}

export interface AccountCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** The tag of secrets and of sessions that says which account they belong to. */
export const ACCOUNT_TAG = 'AccountId';
const DEFAULT_DURATION_SECONDS = 3_600;
const ROLE_ARN = /^arn:[a-z-]+:iam::\d{12}:role\/\S+$/;
const MAX_SESSION_NAME = 64;
/** What the names of all sessions begin with. */
export const SESSION_PREFIX = 'floecat-';
const HASH_DIGITS = 16;

export function checkRole({
  roleArn,
  durationSeconds = DEFAULT_DURATION_SECONDS,
}: AccountRoleSettings): void {
  if (!ROLE_ARN.test(roleArn)) refuse(`${JSON.stringify(roleArn)} is not the ARN of a role`);
  if (!(durationSeconds >= 900 && durationSeconds <= 43_200))
    refuse(`a session of ${durationSeconds} s is outside of 900 to 43,200 s`);
}

function refuse(why: string): never {
  throw new InvalidArgumentError(`open: ${why}; correct floecat.secrets.aws.*`, { operation: 'open' });
}

/**
 * A name of 2 to 64 characters that an audit log shows for the account's sessions: as much of the account as is legal
 * in one, and enough of its hash that no two accounts share a name.
 */
export function sessionName(account: string): string {
  const hash = createHash('sha256').update(account).digest('hex').slice(0, HASH_DIGITS);
  const room = MAX_SESSION_NAME - SESSION_PREFIX.length - 1 - HASH_DIGITS;
  const legal = account.replace(/[^A-Za-z0-9_+=,.@-]/g, '_').slice(0, room);
  return `${SESSION_PREFIX}${legal}-${hash}`;
}

/** Assumes the role for one account after another. */
export class AccountRole {
  readonly #sts: StsService;
  readonly #wire: Wire;
  readonly #settings: AccountRoleSettings;
  readonly #clock: Clock;

  constructor(sts: StsService, wire: Wire, settings: AccountRoleSettings, clock: Clock) {
    checkRole(settings);
    this.#sts = sts;
    this.#wire = wire;
    this.#settings = settings;
    this.#clock = clock;
  }

  async assume(operation: string, account: string): Promise<AccountCredentials> {
    const { roleArn, externalId, durationSeconds = DEFAULT_DURATION_SECONDS } = this.#settings;
    const key = `accounts/${account}`;
    const call = {
      operation,
      key,
      action: 'sts:AssumeRole',
      resource: `role ${roleArn} (its trust policy must also allow sts:TagSession)`,
      write: false,
    };
    const { Credentials: given } = await this.#wire.send(call, ({ signal }) =>
      this.#sts.assumeRole(
        {
          RoleArn: roleArn,
          RoleSessionName: sessionName(account),
          DurationSeconds: durationSeconds,
          Tags: [{ Key: ACCOUNT_TAG, Value: accountTag(account) }],
          ...(externalId !== undefined && { ExternalId: externalId }),
        },
        { abortSignal: signal },
      ),
    );
    if (!given?.AccessKeyId || !given.SecretAccessKey || !given.SessionToken)
      throw new StorageAccessDeniedError(
        `${operation} ${JSON.stringify(key)}: sts:AssumeRole on role ${roleArn} answered no credentials`,
        { operation, key },
      );
    return {
      accessKeyId: given.AccessKeyId,
      secretAccessKey: given.SecretAccessKey,
      sessionToken: given.SessionToken,
      expiration: given.Expiration ?? new Date(this.#clock.now() + durationSeconds * 1_000),
    };
  }
}
