import type { CreateBucketCommandInput, LifecycleRule, ServerSideEncryptionRule } from '@aws-sdk/client-s3';
import { StorageAccessDeniedError, StorageMisconfiguredError } from '@floecat/storage-spi';

import type { Failure } from '../wire/index.ts';
import { fatal, readSdkError } from '../wire/index.ts';
import type { S3Call } from './bucket.ts';
import { Bucket } from './bucket.ts';
import type { S3AdminService } from './s3-admin-service.ts';
import type { S3RequestOptions } from './s3-service.ts';
import type { Wire } from '../wire/index.ts';

/** What an endpoint answers that does not know a setting of S3. */
export const UNAVAILABLE = 'unavailable';
export type Unavailable = typeof UNAVAILABLE;

export interface Versioning {
  /** `off`: never switched on. */
  readonly state: 'on' | 'off' | 'suspended';
  readonly mfaDelete: boolean;
}

export interface Lifecycle {
  readonly rules: readonly LifecycleRule[];
  /** Goes with the rules: a put without it would reset it. */
  readonly minimumSize: Parameters<
    S3AdminService['putBucketLifecycleConfiguration']
  >[0]['TransitionDefaultMinimumObjectSize'];
}

export interface PublicAccess {
  readonly BlockPublicAcls: boolean;
  readonly IgnorePublicAcls: boolean;
  readonly BlockPublicPolicy: boolean;
  readonly RestrictPublicBuckets: boolean;
}

export interface BucketAdminConfig {
  readonly s3: S3AdminService;
  readonly wire: Wire;
  readonly bucket: string;
}

const NOT_KNOWN = new Set(['MethodNotAllowed', 'NotImplemented', 'XNotImplemented']);
/** What S3 answers to a client of another region than the bucket's. */
const ELSEWHERE = new Set(['AuthorizationHeaderMalformed', 'IllegalLocationConstraintException']);

/** The requests that look at the bucket itself and change it. Each knows which IAM action it takes. */
export class BucketAdmin {
  readonly name: string;
  readonly #bucket: Bucket;
  readonly #s3: S3AdminService;

  constructor({ s3, wire, bucket }: BucketAdminConfig) {
    this.name = bucket;
    this.#s3 = s3;
    this.#bucket = new Bucket({ s3, wire, bucket, keyPrefix: '' });
  }

  /** The bucket's region; `undefined` only where S3 says that there is no such bucket. */
  async region(): Promise<string | undefined> {
    const answer = await this.#ask('GetBucketLocation', ['NoSuchBucket'], (options) =>
      this.#s3.getBucketLocation({ Bucket: this.name }, options),
    );
    if (answer === undefined) return undefined;
    const { LocationConstraint: region } = answer as { readonly LocationConstraint?: string };
    // Both spellings are as old as S3.
    return region === 'EU' ? 'eu-west-1' : region || 'us-east-1';
  }

  /** Does nothing where another process of this account is making it, or has made it. */
  async create(input: CreateBucketCommandInput): Promise<void> {
    await this.#ask(
      'CreateBucket',
      ['BucketAlreadyOwnedByYou'],
      (options) => this.#s3.createBucket(input, options),
      true,
    );
  }

  /** Whether no version of any object is below `prefix`. */
  async isEmpty(prefix: string): Promise<boolean> {
    const answer = await this.#ask('ListBucketVersions', [], (options) =>
      this.#s3.listObjectVersions({ Bucket: this.name, Prefix: prefix, MaxKeys: 1 }, options),
    );
    return (answer?.Versions ?? []).length + (answer?.DeleteMarkers ?? []).length === 0;
  }

  async versioning(): Promise<Versioning | Unavailable> {
    const answer = await this.#known('GetBucketVersioning', [], (options) =>
      this.#s3.getBucketVersioning({ Bucket: this.name }, options),
    );
    if (answer === UNAVAILABLE) return answer;
    const { Status, MFADelete } = answer ?? {};
    const state = Status === 'Enabled' ? 'on' : Status === 'Suspended' ? 'suspended' : 'off';
    return { state, mfaDelete: MFADelete === 'Enabled' };
  }

  async enableVersioning(): Promise<void> {
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await this.#write('PutBucketVersioning', (options) =>
      this.#s3.putBucketVersioning({ Bucket: this.name, VersioningConfiguration }, options),
    );
  }

  /** What objects get that are put without an encryption of their own; `undefined` where nothing is set. */
  async encryption(): Promise<ServerSideEncryptionRule | undefined | Unavailable> {
    const none = ['ServerSideEncryptionConfigurationNotFoundError'];
    return this.#known('GetEncryptionConfiguration', none, async (options) => {
      const answer = await this.#s3.getBucketEncryption({ Bucket: this.name }, options);
      return answer.ServerSideEncryptionConfiguration?.Rules?.[0];
    });
  }

  async encrypt(rule: ServerSideEncryptionRule): Promise<void> {
    const ServerSideEncryptionConfiguration = { Rules: [rule] };
    await this.#write('PutEncryptionConfiguration', (options) =>
      this.#s3.putBucketEncryption({ Bucket: this.name, ServerSideEncryptionConfiguration }, options),
    );
  }

  async publicAccess(): Promise<PublicAccess | undefined | Unavailable> {
    const none = ['NoSuchPublicAccessBlockConfiguration'];
    return this.#known('GetBucketPublicAccessBlock', none, async (options) => {
      const answer = await this.#s3.getPublicAccessBlock({ Bucket: this.name }, options);
      const found = answer.PublicAccessBlockConfiguration ?? {};
      return {
        BlockPublicAcls: found.BlockPublicAcls === true,
        IgnorePublicAcls: found.IgnorePublicAcls === true,
        BlockPublicPolicy: found.BlockPublicPolicy === true,
        RestrictPublicBuckets: found.RestrictPublicBuckets === true,
      };
    });
  }

  async blockPublicAccess(configuration: PublicAccess): Promise<void> {
    await this.#write('PutBucketPublicAccessBlock', (options) =>
      this.#s3.putPublicAccessBlock(
        { Bucket: this.name, PublicAccessBlockConfiguration: configuration },
        options,
      ),
    );
  }

  async lifecycle(): Promise<Lifecycle | Unavailable> {
    const found = await this.#known(
      'GetLifecycleConfiguration',
      ['NoSuchLifecycleConfiguration'],
      async (options) => {
        const answer = await this.#s3.getBucketLifecycleConfiguration({ Bucket: this.name }, options);
        return { rules: answer.Rules ?? [], minimumSize: answer.TransitionDefaultMinimumObjectSize };
      },
    );
    return found ?? { rules: [], minimumSize: undefined };
  }

  /** Puts all rules of the bucket; S3 has no way to put one. */
  async putLifecycle({ rules, minimumSize }: Lifecycle): Promise<void> {
    await this.#write('PutLifecycleConfiguration', (options) =>
      this.#s3.putBucketLifecycleConfiguration(
        {
          Bucket: this.name,
          LifecycleConfiguration: { Rules: [...rules] },
          ...(minimumSize && { TransitionDefaultMinimumObjectSize: minimumSize }),
        },
        options,
      ),
    );
  }

  async tags(): Promise<Readonly<Record<string, string>> | Unavailable> {
    const found = await this.#known('GetBucketTagging', ['NoSuchTagSet'], async (options) => {
      const { TagSet } = await this.#s3.getBucketTagging({ Bucket: this.name }, options);
      return Object.fromEntries((TagSet ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
    });
    return found ?? {};
  }

  /** Puts all tags of the bucket; S3 has no way to put one. */
  async putTags(tags: Readonly<Record<string, string>>): Promise<void> {
    const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    await this.#write('PutBucketTagging', (options) =>
      this.#s3.putBucketTagging({ Bucket: this.name, Tagging: { TagSet } }, options),
    );
  }

  async #write(action: string, request: (options: S3RequestOptions) => Promise<object>): Promise<void> {
    await this.#ask(action, [], request, true);
  }

  /** As {@link #ask}, with `unavailable` where the endpoint does not know the request. */
  #known<T>(
    action: string,
    absent: readonly string[],
    request: (options: S3RequestOptions) => Promise<T>,
  ): Promise<T | Unavailable | undefined> {
    return this.#ask(action, absent, async (options) => {
      try {
        return await request(options);
      } catch (error) {
        const { name, status } = readSdkError(error);
        if (NOT_KNOWN.has(name) || status === 501) return UNAVAILABLE;
        throw error;
      }
    });
  }

  /** Answers `undefined` for the errors named `absent`. */
  #ask<T>(
    action: string,
    absent: readonly string[],
    request: (options: S3RequestOptions) => Promise<T>,
    write = false,
  ): Promise<T | undefined> {
    const call: S3Call = {
      operation: 'open',
      key: `bucket ${this.name}`,
      action,
      write,
      classify: (error) => this.#classify(error, action),
    };
    return this.#bucket.send(call, async (_, { signal }) => {
      try {
        return await request({ abortSignal: signal });
      } catch (error) {
        if (absent.includes(readSdkError(error).name)) return undefined;
        throw error;
      }
    });
  }

  #classify(error: unknown, action: string): Failure | undefined {
    const { name, status, message } = readSdkError(error);
    const call = {
      operation: 'open',
      key: `bucket ${this.name}`,
      action: `s3:${action}`,
      resource: `bucket ${this.name}`,
      write: false,
    };
    const misconfigured = (why: string): Failure => fatal(StorageMisconfiguredError, call, error, why);
    if (name === 'BucketAlreadyExists')
      return misconfigured(
        'a bucket of this name belongs to another AWS account, and names are shared by all; use another name',
      );
    if (name === 'AccessDenied' && status === 403)
      return fatal(
        StorageAccessDeniedError,
        call,
        error,
        `s3:${action} was denied (${message}); allow it (floecat bootstrap --policy prints the policies), or use another bucket if this one belongs to another AWS account`,
      );
    if (status === 301 || ELSEWHERE.has(name)) {
      const { Region: region } = error as { readonly Region?: unknown };
      const where = typeof region === 'string' ? region : `another region (${message})`;
      return misconfigured(`it is in ${where}, not in the one that is configured; correct the region`);
    }
    return undefined;
  }
}
