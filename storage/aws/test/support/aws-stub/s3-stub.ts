import { createHash } from 'node:crypto';

import { element, escapeXml, S3StubError, textsIn, unescapeXml } from './s3-http.ts';
import type { S3Answer, S3Request } from './s3-http.ts';
import type { StoredObject } from './stub-bucket.ts';
import { StubBucket } from './stub-bucket.ts';
import { listObjects, listVersions } from './stub-listings.ts';

/** The operations of S3 that this project uses, addressed by path, on buckets in memory. */
export class S3Stub {
  readonly #buckets = new Map<string, StubBucket>();

  /** The name of the operation that a request asks for. */
  operationOf({ method, key, query }: S3Request): string {
    if (key === '') {
      if (method === 'PUT') return query.has('versioning') ? 'PutBucketVersioning' : 'CreateBucket';
      if (method === 'POST') return 'DeleteObjects';
      if (query.has('location')) return 'GetBucketLocation';
      if (query.has('versioning')) return 'GetBucketVersioning';
      if (query.has('lifecycle')) return 'GetBucketLifecycleConfiguration';
      return query.has('versions') ? 'ListObjectVersions' : 'ListObjectsV2';
    }
    const verb = method === 'GET' || method === 'HEAD' || method === 'PUT' ? method : 'Delete';
    const name = `${verb.charAt(0)}${verb.slice(1).toLowerCase()}Object`;
    return query.has('tagging') ? `${name}Tagging` : name;
  }

  /** Throws an {@link S3StubError} where the service would refuse. */
  run(request: S3Request): S3Answer {
    const operation = this.operationOf(request);
    if (operation === 'CreateBucket') {
      this.#buckets.set(request.bucket, new StubBucket());
      return { status: 200 };
    }
    const bucket = this.#buckets.get(request.bucket);
    if (!bucket) throw new S3StubError(404, 'NoSuchBucket');
    const { query, body } = request;
    switch (operation) {
      case 'PutBucketVersioning':
        bucket.versioned = textsIn(body.toString(), 'Status')[0] === 'Enabled';
        return { status: 200 };
      case 'GetBucketLocation':
        return xml('<LocationConstraint/>');
      case 'GetBucketLifecycleConfiguration':
        throw new S3StubError(404, 'NoSuchLifecycleConfiguration');
      case 'GetBucketVersioning':
        return xml(element('VersioningConfiguration', bucket.versioned ? element('Status', 'Enabled') : ''));
      case 'ListObjectsV2':
        return xml(listObjects(bucket, query));
      case 'ListObjectVersions':
        return xml(listVersions(bucket, query));
      case 'DeleteObjects':
        return xml(deleteAll(bucket, body.toString()));
      case 'PutObject':
        return put(bucket, request);
      case 'GetObject':
      case 'HeadObject': {
        const found = find(bucket, request);
        const headers = { ...answerHeaders(found), 'content-length': String(found.bytes?.length ?? 0) };
        return { status: 200, headers, ...(operation === 'GetObject' && { body: found.bytes ?? '' }) };
      }
      case 'DeleteObject':
        return { status: 204, headers: remove(bucket, request.key, query.get('versionId')) };
      case 'GetObjectTagging': {
        const tags = find(bucket, request).tags.map(([key, value]) =>
          element('Tag', element('Key', escapeXml(key)) + element('Value', escapeXml(value))),
        );
        return xml(element('Tagging', element('TagSet', tags.join(''))));
      }
      case 'PutObjectTagging':
        find(bucket, request).tags = textsIn(body.toString(), 'Tag').map((tag) => [
          unescapeXml(textsIn(tag, 'Key')[0] ?? ''),
          unescapeXml(textsIn(tag, 'Value')[0] ?? ''),
        ]);
        return { status: 200 };
      default:
        throw new S3StubError(501, 'NotImplemented');
    }
  }
}

function put(bucket: StubBucket, { key, headers, body }: S3Request): S3Answer {
  const current = bucket.current(key);
  const { 'if-none-match': ifNone, 'if-match': ifMatch, 'x-amz-checksum-sha256': checksum } = headers;
  if (ifNone === '*' && current) throw new S3StubError(412, 'PreconditionFailed');
  if (ifMatch !== undefined && !current) throw new S3StubError(404, 'NoSuchKey');
  if (ifMatch !== undefined && ifMatch !== current?.etag) throw new S3StubError(412, 'PreconditionFailed');
  const sha256 = createHash('sha256').update(body).digest();
  if (checksum !== undefined && checksum !== sha256.toString('base64'))
    throw new S3StubError(400, 'BadDigest');
  const signed = String(headers['x-amz-content-sha256']);
  if (/^[0-9a-f]{64}$/.test(signed) && signed !== sha256.toString('hex'))
    throw new S3StubError(400, 'XAmzContentSHA256Mismatch');
  const kept = Object.entries(headers).filter(
    ([name]) => name.startsWith('x-amz-meta-') || name === 'content-type',
  );
  const version: StoredObject = {
    versionId: bucket.nextVersionId(),
    bytes: body,
    etag: `"${createHash('md5').update(body).digest('hex')}"`,
    modified: thisSecond(),
    headers: Object.fromEntries(kept.map(([name, value]) => [name, String(value)])),
    tags: [...new URLSearchParams(headers['x-amz-tagging'] as string | undefined)],
  };
  bucket.put(key, version);
  return {
    status: 200,
    headers: {
      etag: version.etag,
      ...(bucket.versioned && { 'x-amz-version-id': version.versionId }),
      ...(typeof checksum === 'string' && { 'x-amz-checksum-sha256': checksum }),
    },
  };
}

/** The object, or the version of it, that is asked for. */
function find(bucket: StubBucket, { key, query }: S3Request): StoredObject {
  const versionId = query.get('versionId');
  const [newest] = bucket.versions(key);
  if (versionId === null) {
    if (newest?.bytes) return newest;
    throw new S3StubError(404, 'NoSuchKey', newest && { headers: { 'x-amz-delete-marker': 'true' } });
  }
  if (!/^(?:v\d{9}|null)$/.test(versionId))
    throw new S3StubError(400, 'InvalidArgument', { fields: { ArgumentName: 'versionId' } });
  const found = bucket.versions(key).find((version) => version.versionId === versionId);
  if (!found) throw new S3StubError(404, 'NoSuchVersion');
  if (!found.bytes) throw new S3StubError(405, 'MethodNotAllowed');
  return found;
}

function answerHeaders({ etag, modified, versionId, headers, tags }: StoredObject): Record<string, string> {
  return {
    ...headers,
    etag,
    'last-modified': new Date(modified).toUTCString(),
    ...(versionId !== 'null' && { 'x-amz-version-id': versionId }),
    ...(tags.length > 0 && { 'x-amz-tagging-count': String(tags.length) }),
  };
}

function remove(bucket: StubBucket, key: string, versionId: string | null): Record<string, string> {
  if (versionId !== null || !bucket.versioned) {
    bucket.remove(key, versionId ?? 'null');
    return versionId === null ? {} : { 'x-amz-version-id': versionId };
  }
  const marker = bucket.nextVersionId();
  bucket.put(key, { versionId: marker, etag: '', modified: thisSecond(), headers: {}, tags: [] });
  return { 'x-amz-version-id': marker, 'x-amz-delete-marker': 'true' };
}

function deleteAll(bucket: StubBucket, body: string): string {
  const deleted = textsIn(body, 'Object').map((object) => {
    const key = textsIn(object, 'Key')[0] ?? '';
    const versionId = textsIn(object, 'VersionId')[0];
    remove(bucket, unescapeXml(key), versionId ?? null);
    return element('Deleted', element('Key', key) + element('VersionId', ...(versionId ? [versionId] : [])));
  });
  return element('DeleteResult', deleted.join(''));
}

function thisSecond(): number {
  return Math.floor(Date.now() / 1000) * 1000;
}

function xml(body: string): S3Answer {
  const headers = { 'content-type': 'application/xml' };
  return { status: 200, headers, body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}` };
}
