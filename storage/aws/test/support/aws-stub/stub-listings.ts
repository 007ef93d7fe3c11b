import { compareText } from './dynamo-json.ts';
import { element, escapeXml, urlEncoded } from './s3-http.ts';
import type { Listed, StoredObject, StubBucket } from './stub-bucket.ts';

const MAX_KEYS = 1000;

/** ListObjectsV2. */
export function listObjects(bucket: StubBucket, query: URLSearchParams): string {
  const shown = shower(query);
  const after = query.get('start-after') ?? '';
  const keys = bucket
    .keys(query.get('prefix') ?? '')
    .filter((key) => bucket.current(key) !== undefined && compareText(key, after) > 0);
  const page = keys.slice(0, limitOf(query));
  const entries = page.map((key) => {
    const object = bucket.current(key) as StoredObject;
    return element('Contents', element('Key', shown(key)) + timeAndSize(object));
  });
  return element(
    'ListBucketResult',
    truncation(page.length < keys.length, query) +
      element('KeyCount', String(page.length)) +
      entries.join(''),
  );
}

/** ListObjectVersions: by key, then newest first. */
export function listVersions(bucket: StubBucket, query: URLSearchParams): string {
  const shown = shower(query);
  const all = bucket
    .keys(query.get('prefix') ?? '')
    .flatMap((key) => bucket.versions(key).map((version, i): Listed => ({ key, version, latest: i === 0 })));
  const keyMarker = query.get('key-marker') ?? '';
  const versionMarker = query.get('version-id-marker');
  const at = all.findIndex(({ key, version }) => key === keyMarker && version.versionId === versionMarker);
  const rest = at >= 0 ? all.slice(at + 1) : all.filter(({ key }) => compareText(key, keyMarker) > 0);
  const page = rest.slice(0, limitOf(query));
  const truncated = page.length < rest.length;
  const last = page.at(-1);
  const entries = page.map(({ key, version, latest }) =>
    element(
      version.bytes ? 'Version' : 'DeleteMarker',
      element('Key', shown(key)) +
        element('VersionId', version.versionId) +
        element('IsLatest', String(latest)) +
        timeAndSize(version),
    ),
  );
  const next =
    truncated && last
      ? element('NextKeyMarker', shown(last.key)) + element('NextVersionIdMarker', last.version.versionId)
      : '';
  return element('ListVersionsResult', truncation(truncated, query) + next + entries.join(''));
}

function timeAndSize({ modified, etag, bytes }: StoredObject): string {
  const time = element('LastModified', new Date(modified).toISOString());
  return bytes ? time + element('ETag', escapeXml(etag)) + element('Size', String(bytes.length)) : time;
}

function truncation(truncated: boolean, query: URLSearchParams): string {
  const encoding = query.get('encoding-type');
  return element('IsTruncated', String(truncated)) + (encoding ? element('EncodingType', encoding) : '');
}

function shower(query: URLSearchParams): (key: string) => string {
  return query.get('encoding-type') === 'url' ? urlEncoded : escapeXml;
}

function limitOf(query: URLSearchParams): number {
  return Math.min(MAX_KEYS, Number(query.get('max-keys') ?? MAX_KEYS));
}
