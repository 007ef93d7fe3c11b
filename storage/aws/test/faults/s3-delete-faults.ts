import assert from 'node:assert/strict';

import { keyFails, socketHangUp } from '../s3/faults.ts';
import { bytes, onBulkDelete, s3FaultTest } from './s3-bench.ts';

export function s3DeleteFaults(): void {
  s3FaultTest(
    '[F19] [P23] per-key errors of a bulk delete are retried, then reported, and never counted',
    async (bench) => {
      const { store, inject } = bench;
      for (const uri of ['/a/1', '/a/2', '/a/3']) await store.put(uri, bytes);
      inject({ name: 'one key fails once', on: onBulkDelete, after: keyFails('InternalError', 'a/2') });
      assert.deepEqual(await store.deletePrefix('/a/'), { deleted: 3, failed: [] });

      for (const uri of ['/a/1', '/a/2', '/a/3']) await store.put(uri, bytes);
      inject({
        name: 'one key fails every time',
        on: onBulkDelete,
        times: Infinity,
        after: keyFails('InternalError', 'a/2'),
      });
      const report = await store.deletePrefix('/a/');
      assert.equal(report.deleted, 2);
      assert.deepEqual(
        report.failed.map(({ uri }) => uri),
        ['/a/2'],
      );
      assert.match(String(report.failed[0]?.cause), /InternalError/);

      await store.put('/a/1', bytes);
      inject({
        name: 'one key is denied',
        on: onBulkDelete,
        times: Infinity,
        after: keyFails('AccessDenied', 'a/1'),
      });
      assert.deepEqual(
        (await store.deletePrefix('/a/')).failed.map(({ uri }) => uri),
        ['/a/1'],
      );
    },
  );

  s3FaultTest(
    '[F10] a bulk delete whose reply is lost is sent again, and counts each blob once',
    async (bench) => {
      const { store, inject } = bench;
      for (const uri of ['/a/1', '/a/2']) await store.put(uri, bytes);
      inject({ name: 'reply to a bulk delete lost', on: onBulkDelete, after: socketHangUp });
      assert.deepEqual(await store.deletePrefix('/a/'), { deleted: 2, failed: [] });
    },
  );
}
