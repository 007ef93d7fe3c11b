// A process of its own that answers every request at once with what was prepared, so that all the time a client takes
// is its own. Sends its port to the process that forked it, and ends with it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { BLOB, BLOB_SHA256, PAGE, storedRow } from './canned-answers.ts';

const JSON_ANSWERS: Readonly<Record<string, string>> = {
  GetItem: JSON.stringify({ Item: storedRow(1) }),
  PutItem: '{}',
  TransactWriteItems: '{}',
  Query: JSON.stringify({
    Items: Array.from({ length: PAGE }, (_, i) => storedRow(i)),
    Count: PAGE,
    ScannedCount: PAGE,
  }),
};
const VERSION = { 'x-amz-version-id': 'v000000001', etag: '"0123456789abcdef0123456789abcdef"' };

const server = createServer((request, response) => {
  request.resume();
  request.once('end', () => {
    const operation = String(request.headers['x-amz-target'] ?? '').split('.')[1];
    if (operation !== undefined) {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(JSON_ANSWERS[operation] ?? '{}');
    } else if (request.method === 'PUT') {
      response.writeHead(200, { ...VERSION, 'x-amz-checksum-sha256': BLOB_SHA256, 'content-length': 0 });
      response.end();
    } else {
      response.writeHead(200, {
        ...VERSION,
        'content-type': 'application/x-protobuf',
        'content-length': BLOB.length,
        'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT',
        'x-amz-meta-sha256': BLOB_SHA256,
        'x-amz-meta-created-at': '1700000000000',
        'x-amz-meta-message': 'floecat.v1.RootBlob',
      });
      response.end(BLOB);
    }
  });
});
server.keepAliveTimeout = 300_000;
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit(0));
