import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { S3 } from '@aws-sdk/client-s3';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { STS } from '@aws-sdk/client-sts';
import { NodeHttpHandler } from '@smithy/node-http-handler';

import { withAnswerDates } from './answer-dates.ts';
import { CONNECTIONS } from './aws-defaults.ts';
import type { AwsKeys, AwsKeySource, AwsSettings } from './aws-settings.ts';
import { checkEndpoints, keysOf } from './aws-settings.ts';
import { withoutLog, withOneAttempt } from './lean-client.ts';

/** What every client is made with. `maxAttempts` is 1: retries have one owner, the wire. */
export interface ClientSettings {
  readonly maxAttempts: 1;
  /** Not `adaptive`, whatever the environment says: that one waits before it sends. */
  readonly retryMode: 'standard';
  readonly requestHandler: NodeHttpHandler;
  readonly region?: string;
  readonly endpoint?: string;
  readonly credentials?: AwsKeys | AwsKeySource;
}

/** Makes the clients. Replace any of them to add middleware, another transport or other credentials. */
export interface ClientBuilders {
  readonly dynamodb: (settings: ClientSettings) => DynamoDB;
  readonly s3: (settings: ClientSettings & { readonly forcePathStyle: boolean }) => S3;
  readonly secretsManager: (settings: ClientSettings) => SecretsManager;
  readonly sts: (settings: ClientSettings) => STS;
}

export const defaultBuilders: ClientBuilders = {
  dynamodb: (settings) => withoutLog(new DynamoDB(settings)),
  // The store sends and verifies SHA-256 itself; a second checksum would be work for nothing.
  s3: (settings) =>
    withoutLog(
      new S3({
        ...settings,
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
      }),
    ),
  secretsManager: (settings) => new SecretsManager(settings),
  sts: (settings) => new STS(settings),
};

/** A client of the SDK, as far as its credentials go. */
interface Credentialed {
  readonly config: { readonly credentials: (options?: { forceRefresh?: boolean }) => Promise<unknown> };
}

/**
 * The AWS clients of one set of settings, each made when it is first asked for, on a pool of connections of its
 * own. A builder may be replaced. `close` ends what was made here and nothing else; a second close does nothing.
 */
export class AwsClients implements AsyncDisposable {
  readonly settings: AwsSettings;
  readonly #builders: ClientBuilders;
  readonly #keys: AwsKeys | AwsKeySource | undefined;
  readonly #made: { destroy(): void }[] = [];
  #dynamodb: DynamoDB | undefined;
  #s3: S3 | undefined;
  #secretsManager: SecretsManager | undefined;
  #sts: STS | undefined;

  /** Throws `InvalidArgumentError` for half a key or an endpoint that is no URL. Makes no request. */
  constructor(settings: AwsSettings = {}, builders: Partial<ClientBuilders> = {}) {
    checkEndpoints(settings.endpoints);
    this.#keys = keysOf(settings);
    this.settings = Object.freeze({ ...settings });
    this.#builders = { ...defaultBuilders, ...builders };
  }

  get dynamodb(): DynamoDB {
    this.#dynamodb ??= withAnswerDates(
      withOneAttempt(this.#keep(this.#builders.dynamodb(this.#with('dynamodb')))),
    );
    return this.#dynamodb;
  }

  get s3(): S3 {
    const forcePathStyle = this.settings.pathStyleAccess ?? false;
    this.#s3 ??= withAnswerDates(
      withOneAttempt(this.#keep(this.#builders.s3({ ...this.#with('s3'), forcePathStyle }))),
    );
    return this.#s3;
  }

  get secretsManager(): SecretsManager {
    this.#secretsManager ??= this.#keep(this.secretsManagerWith(this.#keys));
    return this.#secretsManager;
  }

  get sts(): STS {
    this.#sts ??= withOneAttempt(this.#keep(this.#builders.sts(this.#with('sts'))));
    return this.#sts;
  }

  /** A Secrets Manager client of its own, e.g. with the credentials of an assumed role. The caller ends it. */
  secretsManagerWith(credentials: ClientSettings['credentials']): SecretsManager {
    const settings = { ...this.#with('secretsManager'), ...(credentials && { credentials }) };
    return withOneAttempt(this.#builders.secretsManager(settings));
  }

  async close(): Promise<void> {
    for (const client of this.#made.splice(0)) client.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #keep<T extends { destroy(): void }>(client: T): T {
    this.#made.push(client);
    return client;
  }

  #with(service: 'dynamodb' | 's3' | 'secretsManager' | 'sts'): ClientSettings {
    const { region, endpoints, maxSockets = CONNECTIONS.maxSockets, connectTimeoutMs } = this.settings;
    const endpoint = endpoints?.[service];
    const pool = { keepAlive: true, maxSockets };
    return {
      maxAttempts: 1,
      retryMode: 'standard',
      requestHandler: new NodeHttpHandler({
        connectionTimeout: connectTimeoutMs ?? CONNECTIONS.connectTimeoutMs,
        httpAgent: new HttpAgent(pool),
        httpsAgent: new HttpsAgent(pool),
      }),
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint }),
      ...(this.#keys && { credentials: this.#keys }),
    };
  }
}

/** For the wire: makes `client` fetch new credentials, whatever it still has. */
export function credentialRefresher(client: Credentialed): () => Promise<void> {
  return async () => {
    await client.config.credentials({ forceRefresh: true });
  };
}
