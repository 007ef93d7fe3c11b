import type { Environment, RunTarget } from './run-target.ts';
import { endpointsInEnvironment } from './run-target.ts';

/** Where upstream and catalog point, for people. No key and no secret. */
export function describeTarget(
  target: RunTarget,
  env: Environment,
  property: (name: string) => string,
): string {
  const { upstream, catalog } = target;
  const prefix = property('floecat.blob.s3.key-prefix');
  const below = prefix === '' ? '' : `, keys below ${prefix}`;
  return [
    `${target.name}:`,
    `  upstream  ${where(target, upstream, env, ['S3'])}, bucket ${upstream.bucket}`,
    `  catalog   ${where(target, catalog, env, ['S3', 'DYNAMODB'])}, bucket ${catalog.bucket}${below}, table ${catalog.table}`,
  ].join('\n');
}

function where(
  { localstack }: RunTarget,
  side: RunTarget['upstream'],
  env: Environment,
  services: readonly string[],
): string {
  if (side.on === 'localstack') return `LocalStack at ${localstack?.endpoint}`;
  const elsewhere = endpointsInEnvironment(env)
    .filter(([variable]) => services.some((service) => `AWS_ENDPOINT_URL_${service}`.startsWith(variable)))
    // Of a URL the origin only: there may be a password in the rest.
    .map(([variable, text]) => `${variable} ${URL.parse(text)?.origin ?? '(no URL)'}`);
  return `AWS in ${side.region}${elsewhere.length > 0 ? ` at ${elsewhere.join(', ')}` : ''}`;
}
