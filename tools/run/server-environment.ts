import type { ExplainedProperty } from '@floecat/config';
import { describeOrigin, environmentVariable, explainSettings, loadSettings } from '@floecat/config';

import type { LocalstackSettings } from '../localstack/settings.ts';
import type { Environment, RunTarget } from './run-target.ts';
import { RefusedError } from './run-target.ts';

type Properties = Readonly<Record<string, string>>;

/** Where the demonstration lake is put in the upstream bucket. */
export const LAKE_PREFIX = 'demo-lake';
const CATALOG = 'floecat.fileio.override';
const UPSTREAM = 'floecat.upstream.s3';

/** Keys and endpoints, which a side on AWS has from the SDK alone. */
const OWN_WAY = ['endpoint', 'access-key-id', 'secret-access-key', 'session-token'];
const CATALOG_ENDPOINTS = ['dynamodb', 'secretsmanager', 'sts'].map(
  (service) => `${CATALOG}.aws.${service}.endpoint-override`,
);

/**
 * The environment of the server: the user's, with the properties of the target. Secrets go this way, since a command
 * line is seen by everyone. Throws {@link RefusedError} where the user's own settings would mix the two sides, and
 * `ConfigError` where the settings together are wrong.
 */
export function serverEnvironment(target: RunTarget, env: Environment, cwd: string): NodeJS.ProcessEnv {
  const own = explainSettings({ args: [], env, cwd }).properties;
  const given = new Map(
    own.filter(({ origin }) => origin.kind !== 'default').map((property) => [property.name, property]),
  );
  refuseGiven(target, given);
  const properties = { ...catalogProperties(target, given), ...upstreamProperties(target, given) };
  const withAws = target.upstream.on === 'aws' || target.catalog.on === 'aws';
  const environment = {
    // Where nothing is on AWS, nothing of what the SDK looks for is there to be found.
    ...Object.fromEntries(Object.entries(env).filter(([name]) => withAws || !name.startsWith('AWS_'))),
    ...Object.fromEntries(
      Object.entries(properties).map(([name, text]) => [environmentVariable(name), text]),
    ),
  };
  loadSettings({ args: [], env: environment, cwd });
  return environment;
}

/** Refuses what would send a side elsewhere, or with another key, than the target says. */
function refuseGiven({ name, upstream, catalog }: RunTarget, given: Map<string, ExplainedProperty>): void {
  const unset = [
    ...(catalog.on === 'aws'
      ? [...OWN_WAY.map((last) => `${CATALOG}.s3.${last}`), ...CATALOG_ENDPOINTS]
      : [`${CATALOG}.s3.session-token`]),
    ...(upstream.on === 'aws'
      ? OWN_WAY.map((last) => `${UPSTREAM}.${last}`)
      : [`${UPSTREAM}.session-token`, `${UPSTREAM}.secret`]),
  ];
  for (const property of unset) {
    const found = given.get(property);
    if (found)
      throw new RefusedError(
        `${property} is set (${describeOrigin(found.origin)}), and ${name} must not have it: ` +
          'a side on AWS is reached with what the SDK finds, the one on LocalStack with LOCALSTACK_*; remove it',
      );
  }
}

function catalogProperties(
  { catalog, localstack }: RunTarget,
  given: ReadonlyMap<string, unknown>,
): Properties {
  const common = {
    'floecat.kv': 'dynamodb',
    'floecat.blob': 's3',
    'floecat.secrets': 'aws',
    'floecat.kv.table': catalog.table,
    'floecat.blob.s3.bucket': catalog.bucket,
  };
  if (catalog.on === 'localstack' && localstack)
    return {
      ...common,
      'floecat.kv.auto-create': 'true',
      'floecat.blob.s3.auto-create': 'true',
      ...localstackAccess(`${CATALOG}.s3`, localstack),
      ...Object.fromEntries(CATALOG_ENDPOINTS.map((name) => [name, localstack.endpoint])),
    };
  return {
    ...common,
    [`${CATALOG}.s3.region`]: (catalog as { region: string }).region,
    // The bucket may be that of upstream tables too.
    ...(!given.has('floecat.blob.s3.key-prefix') && { 'floecat.blob.s3.key-prefix': 'floecat/' }),
  };
}

function upstreamProperties(
  { upstream, localstack }: RunTarget,
  given: ReadonlyMap<string, unknown>,
): Properties {
  const locations = { [`${UPSTREAM}.locations`]: `s3://${upstream.bucket}/` };
  if (upstream.on === 'localstack' && localstack)
    return {
      ...locations,
      ...localstackAccess(UPSTREAM, localstack),
      'floecat.seed.location': seedLocation(upstream.bucket),
    };
  return {
    ...locations,
    [`${UPSTREAM}.region`]: (upstream as { region: string }).region,
    // Nothing is written to a bucket on AWS: the lake is there if the user has put it there.
    ...(!given.has('floecat.seed.location') && { 'floecat.seed.enabled': 'false' }),
  };
}

export function seedLocation(bucket: string): string {
  return `s3://${bucket}/${LAKE_PREFIX}`;
}

function localstackAccess(prefix: string, settings: LocalstackSettings): Properties {
  return {
    [`${prefix}.region`]: settings.region,
    [`${prefix}.endpoint`]: settings.endpoint,
    [`${prefix}.access-key-id`]: settings.accessKey,
    [`${prefix}.secret-access-key`]: settings.secretKey,
    [`${prefix}.path-style-access`]: 'true',
  };
}
