import { randomBytes } from 'node:crypto';

import { startOwnEngine } from '../../tools/localstack/engine.ts';
import { PythonMissingError } from '../../tools/localstack/python-environment.ts';

/** An AWS emulator of this test file's own, and how the command is pointed at a store in it. */
export interface AwsEndpoint extends AsyncDisposable {
  readonly endpoint: string;
  /** The environment of a store that nobody else has, nothing of which exists yet. */
  store(): Record<string, string>;
}

/** Answers why not where this machine lacks Python or pip, for a skip to print. */
export async function startAwsEndpoint(): Promise<AwsEndpoint | { readonly skip: string }> {
  try {
    const engine = await startOwnEngine();
    const { endpoint } = engine;
    return {
      endpoint,
      store: () => {
        const name = randomBytes(6).toString('hex');
        return {
          FLOECAT_KV: 'dynamodb',
          FLOECAT_KV_TABLE: `pointers-${name}`,
          FLOECAT_BLOB: 's3',
          FLOECAT_BLOB_S3_BUCKET: `lake-${name}`,
          FLOECAT_FILEIO_OVERRIDE_S3_REGION: 'us-east-1',
          FLOECAT_FILEIO_OVERRIDE_S3_ENDPOINT: endpoint,
          FLOECAT_FILEIO_OVERRIDE_S3_PATH_STYLE_ACCESS: 'true',
          FLOECAT_FILEIO_OVERRIDE_S3_ACCESS_KEY_ID: 'test',
          FLOECAT_FILEIO_OVERRIDE_S3_SECRET_ACCESS_KEY: 'test-secret-planted',
          FLOECAT_FILEIO_OVERRIDE_AWS_DYNAMODB_ENDPOINT_OVERRIDE: endpoint,
          FLOECAT_FILEIO_OVERRIDE_AWS_SECRETSMANAGER_ENDPOINT_OVERRIDE: endpoint,
          FLOECAT_FILEIO_OVERRIDE_AWS_STS_ENDPOINT_OVERRIDE: endpoint,
        };
      },
      [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
    };
  } catch (error) {
    if (error instanceof PythonMissingError) return { skip: `no emulator: ${error.message}` };
    throw error;
  }
}
