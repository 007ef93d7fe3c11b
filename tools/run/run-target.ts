import type { LocalstackSettings } from '../localstack/settings.ts';
import { readSettings } from '../localstack/settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Upstream tables or the catalog's storage, on the LocalStack endpoint. */
export interface LocalstackSide {
  readonly on: 'localstack';
  readonly bucket: string;
}

/** The same on AWS, reached with what the SDK finds in the environment. */
export interface AwsSide {
  readonly on: 'aws';
  readonly bucket: string;
  readonly region: string;
}

/** Where `make run-<upstream>-<catalog>` finds upstream tables, and where it keeps the catalog. */
export interface RunTarget {
  readonly name: string;
  readonly upstream: LocalstackSide | AwsSide;
  readonly catalog: (LocalstackSide | AwsSide) & { readonly table: string };
  /** Absent where neither side is there. */
  readonly localstack?: LocalstackSettings;
}

export const RUN_TARGETS: readonly string[] = [
  'run-localstack-localstack',
  'run-localstack-aws',
  'run-aws-localstack',
  'run-aws-aws',
];

/** What the user has to change before a target can run. */
export class RefusedError extends Error {}

/** The target of that name with the settings in `env`. Throws {@link RefusedError} naming everything that is missing. */
export function readTarget(name: string, env: Environment): RunTarget {
  if (!RUN_TARGETS.includes(name))
    throw new RefusedError(`there is no target ${name}; there are ${RUN_TARGETS.join(', ')}`);
  const [, upstream, catalog] = name.split('-');
  const needed = [
    'REAL_AWS_BUCKET',
    'REAL_AWS_REGION',
    ...(catalog === 'aws' ? ['REAL_AWS_TABLE'] : []),
  ] as const;
  const real = (variable: (typeof needed)[number]): string => env[variable]?.trim() ?? '';
  const onAws = upstream === 'aws' || catalog === 'aws';
  const missing = onAws ? needed.filter((variable) => real(variable) === '') : [];
  if (missing.length > 0)
    throw new RefusedError(
      `${name} needs ${missing.join(' and ')}, such as make ${name} ${needed.map((variable) => `${variable}=…`).join(' ')}`,
    );
  const localstack = upstream === 'localstack' || catalog === 'localstack' ? localstackOf(env) : undefined;
  const aws: AwsSide = { on: 'aws', bucket: real('REAL_AWS_BUCKET'), region: real('REAL_AWS_REGION') };
  if (onAws && localstack) refuseMixing(name, localstack, env);
  return {
    name,
    upstream:
      upstream === 'localstack' && localstack
        ? { on: 'localstack', bucket: `${localstack.bucket}-upstream` }
        : aws,
    catalog:
      catalog === 'localstack' && localstack
        ? { on: 'localstack', bucket: localstack.bucket, table: localstack.table }
        : { ...aws, table: real('REAL_AWS_TABLE') },
    ...(localstack && { localstack }),
  };
}

function localstackOf(env: Environment): LocalstackSettings {
  try {
    return readSettings(env);
  } catch (error) {
    throw new RefusedError((error as Error).message, { cause: error });
  }
}

/** Variables that made the SDK find LocalStack in another window of the user's. */
function refuseMixing(name: string, localstack: LocalstackSettings, env: Environment): void {
  const { accessKey, secretKey, endpoint } = localstack;
  if (env['AWS_ACCESS_KEY_ID'] === accessKey && env['AWS_SECRET_ACCESS_KEY'] === secretKey)
    throw new RefusedError(
      `AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY hold LocalStack's key, which ${name} must not show to AWS; ` +
        'unset them, or put a key of AWS into them',
    );
  for (const [variable, text] of endpointsInEnvironment(env))
    if (sameServer(text, endpoint))
      throw new RefusedError(
        `${variable} is the LocalStack endpoint ${endpoint}, so ${name} would not reach AWS; unset it`,
      );
}

/** The variables by which the SDK is sent somewhere else than to AWS, with their values. */
export function endpointsInEnvironment(env: Environment): [variable: string, text: string][] {
  return Object.entries(env).filter(
    (entry): entry is [string, string] =>
      /^AWS_ENDPOINT_URL(?:_(?:S3|DYNAMODB|SECRETS_MANAGER|STS))?$/.test(entry[0]) && Boolean(entry[1]),
  );
}

function sameServer(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => {
    const url = URL.parse(text);
    return url && `${url.hostname.replace(/^(?:localhost|\[::1\])$/, '127.0.0.1')}:${url.port || 80}`;
  });
  return a === b;
}
