import { AWS_CLIENT_SCHEMA } from './aws-client-schema.ts';
import { AWS_STORAGE_SCHEMA } from './aws-storage-schema.ts';
import { GC_SCHEMA } from './gc-schema.ts';
import { locationMap } from './location-map.ts';
import { duration, wholeNumber } from './number-types.ts';
import { optional, property, section } from './property.ts';
import { RETRY_SCHEMA } from './retry-schema.ts';
import { boolean, host, name, oneOf, path, shortText } from './text-types.ts';

/** Where secrets are kept unless it is said, by where pointers are. */
const SECRETS_OF: ReadonlyMap<string, string> = new Map([
  ['memory', 'memory'],
  ['dynamodb', 'aws'],
]);
const MAX_CACHE_BYTES = 16 * 1024 ** 3;

/**
 * Every `floecat.*` property: its name, type, default and meaning. Settings, `service/application.properties` and
 * `docs/configuration.md` all follow from here. Backends are chosen and checked in `storage-settings.ts`.
 */
export const SCHEMA = {
  start: section('Where settings are read from', {
    configFile: optional(
      'floecat.config',
      path,
      'The properties file to read. Without it, `application.properties` in the working directory is read if there is one.',
      { notInFile: true },
    ),
  }),
  storage: section('Storage', {
    kv: property(
      'floecat.kv',
      oneOf(['memory', 'local', 'dynamodb']),
      'local',
      'Where pointers are kept: `dynamodb` in Amazon DynamoDB, `local` in files of this machine, `memory` for as long as the process lives.',
    ),
    blob: property(
      'floecat.blob',
      oneOf(['memory', 'local', 's3']),
      'local',
      'Where blobs are kept: `s3` in Amazon S3. Pointers and blobs belong together, so it must go with `floecat.kv`: `s3` with `dynamodb`, else the same.',
    ),
    secrets: property(
      'floecat.secrets',
      oneOf(['memory', 'local', 'aws']),
      {
        description: 'as floecat.kv: aws with dynamodb',
        derive: (read) => SECRETS_OF.get(read('floecat.kv')) ?? 'local',
      },
      'Where secrets are kept: `aws` in AWS Secrets Manager. `local`, sealed in `floecat.data-dir`, needs `floecat.kv=local`.',
    ),
    dataDir: property(
      'floecat.data-dir',
      path,
      './.floecat',
      'Folder of the local store and of the demonstration lake, made if it is missing. A relative path begins at the working directory.',
    ),
    flush: property(
      'floecat.local.flush',
      boolean,
      'true',
      'Whether the local store waits for the disk before it acknowledges a write. Switched off, a power loss or a crash of the machine can take acknowledged writes with it.',
    ),
  }),
  identity: section('Account and catalog', {
    account: property(
      'floecat.account',
      name(128),
      'default',
      'The account that this service works for, made if it is missing.',
    ),
    catalog: property(
      'floecat.catalog',
      name(128),
      'default',
      'The catalog that clients get who name no warehouse, made if it is missing.',
    ),
    seedEnabled: property(
      'floecat.seed.enabled',
      boolean,
      'true',
      'Whether a small demonstration lake, written below `floecat.data-dir`, is registered at the start where the default catalog is empty.',
    ),
    seedLocation: optional(
      'floecat.seed.location',
      shortText(1_024),
      'Where the demonstration lake lies already, such as `s3://upstream/demo-lake`; nothing is written then. It must be among the upstream locations.',
    ),
  }),
  http: section('HTTP', {
    host: property(
      'floecat.http.host',
      host,
      '127.0.0.1',
      'Address to listen on. The default is reached from this machine only; `0.0.0.0` is every interface.',
    ),
    port: property(
      'floecat.http.port',
      wholeNumber(0, 65_535),
      '8181',
      'Port to listen on; 0 takes any free one.',
    ),
  }),
  upstream: section('Upstream tables', {
    locations: property(
      'floecat.upstream.locations',
      locationMap,
      '',
      'Which folder of this machine, or which place in S3, stands for which location of upstream tables, such as `s3://lake/=./lake, data/=s3://moved/data`. Prefixes match whole segments, and the longest one wins; nothing outside these folders is read from this machine, and a place in S3 must be among `floecat.upstream.s3.locations`. The first `=` of an entry separates; a folder cannot have a comma in its path.',
    ),
    registerConcurrency: property(
      'floecat.register.concurrency',
      wholeNumber(1, 64),
      '8',
      'How many snapshots are harvested at a time when a table is registered.',
    ),
  }),
  log: section('Logging', {
    level: property(
      'floecat.log.level',
      oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
      'info',
      'The least severe messages that are logged.',
    ),
  }),
  metrics: section('Metrics', {
    enabled: property(
      'floecat.metrics.enabled',
      boolean,
      'true',
      'Whether the service answers `GET /metrics` with what its stores did, for Prometheus. Where an SDK of OpenTelemetry is loaded before the service, that gets the metrics instead.',
    ),
  }),
  cache: section('Caches', {
    blobBytes: property(
      'floecat.cache.blob-bytes',
      wholeNumber(0, MAX_CACHE_BYTES, 'bytes'),
      '67108864',
      'How much memory holds blobs that were read or written, which never change. 0 holds none.',
    ),
    pointerStalenessMs: property(
      'floecat.cache.pointer-staleness',
      duration('0ms', '1h'),
      '0ms',
      'How old a pointer may be that is answered from memory, to those reads alone that say they can do with it. `0ms` answers none from memory.',
    ),
  }),
  ...RETRY_SCHEMA,
  ...GC_SCHEMA,
  ...AWS_CLIENT_SCHEMA,
  ...AWS_STORAGE_SCHEMA,
};
