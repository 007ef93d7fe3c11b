/** Where the emulator is and what is in it. Each has a `LOCALSTACK_` variable of its own. */
export interface LocalstackSettings {
  readonly endpoint: string;
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly bucket: string;
  readonly table: string;
  readonly region: string;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1']);

/** The settings in `env`, with their defaults. Throws where the endpoint is none that this machine can serve. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): LocalstackSettings {
  const setting = (name: string, fallback: string): string => env[`LOCALSTACK_${name}`] || fallback;
  const endpoint = setting('ENDPOINT', 'http://localhost:4566');
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol !== 'http:' || !LOOPBACK.has(url.hostname) || url.pathname !== '/')
    throw new Error(
      `LOCALSTACK_ENDPOINT is ${endpoint}; the emulator is started on this machine only, so give http://localhost:<port>`,
    );
  return {
    endpoint: url.origin,
    port: Number(url.port || 80),
    accessKey: setting('ACCESS_KEY', 'test'),
    secretKey: setting('SECRET_KEY', 'test'),
    bucket: setting('BUCKET', 'floecat-dev'),
    table: setting('TABLE', 'floecat_pointers'),
    region: setting('REGION', 'us-east-1'),
  };
}
