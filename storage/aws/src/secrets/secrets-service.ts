import type {
  CreateSecretCommandInput,
  CreateSecretCommandOutput,
  DeleteSecretCommandInput,
  DeleteSecretCommandOutput,
  DescribeSecretCommandInput,
  DescribeSecretCommandOutput,
  GetSecretValueCommandInput,
  GetSecretValueCommandOutput,
  ListSecretsCommandInput,
  ListSecretsCommandOutput,
  PutSecretValueCommandInput,
  PutSecretValueCommandOutput,
  RestoreSecretCommandInput,
  RestoreSecretCommandOutput,
  TagResourceCommandInput,
  TagResourceCommandOutput,
} from '@aws-sdk/client-secrets-manager';
import type { AssumeRoleCommandInput, AssumeRoleCommandOutput } from '@aws-sdk/client-sts';

interface RequestOptions {
  readonly abortSignal?: AbortSignal;
}

type Operation<Input, Output> = (input: Input, options?: RequestOptions) => Promise<Output>;

/**
 * What this backend asks of Secrets Manager. The SDK's aggregated `SecretsManager` client is one. It makes one
 * attempt and throws errors shaped as the SDK's.
 */
export interface SecretsService {
  createSecret: Operation<CreateSecretCommandInput, CreateSecretCommandOutput>;
  putSecretValue: Operation<PutSecretValueCommandInput, PutSecretValueCommandOutput>;
  getSecretValue: Operation<GetSecretValueCommandInput, GetSecretValueCommandOutput>;
  describeSecret: Operation<DescribeSecretCommandInput, DescribeSecretCommandOutput>;
  deleteSecret: Operation<DeleteSecretCommandInput, DeleteSecretCommandOutput>;
  restoreSecret: Operation<RestoreSecretCommandInput, RestoreSecretCommandOutput>;
  tagResource: Operation<TagResourceCommandInput, TagResourceCommandOutput>;
  listSecrets: Operation<ListSecretsCommandInput, ListSecretsCommandOutput>;
}

/** A {@link SecretsService} that holds connections. */
export interface ClosableSecretsService extends SecretsService {
  destroy(): void;
}

export interface StsService {
  assumeRole: Operation<AssumeRoleCommandInput, AssumeRoleCommandOutput>;
}
