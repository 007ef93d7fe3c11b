import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';

import type { BlobHeader, BlobStore, CallOptions } from '@floecat/storage-spi';

import { failsWith } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { blobCase, bytesOf, holds, sameBytes, walkVersions } from './blob-support.ts';

/** Every operation, each in a call that would succeed. Deletes come last. */
function everyCall(
  store: BlobStore,
  { uri, versionId }: BlobHeader,
  folder: string,
): readonly [operation: string, run: (options: CallOptions) => Promise<unknown>][] {
  return [
    ['get', (options) => store.get(uri, options)],
    ['getBatch', (options) => store.getBatch([uri], options)],
    ['head', (options) => store.head(uri, options)],
    ['list', (options) => store.list(folder, options)],
    ['listVersions', (options) => store.listVersions(folder, options)],
    ['supportsVersionedDeletes', (options) => store.supportsVersionedDeletes(options)],
    ['put', (options) => store.put(uri, bytesOf('written'), options)],
    ['markLost', (options) => store.markLost(uri, versionId, options)],
    ['deleteVersion', (options) => store.deleteVersion(uri, versionId, options)],
    ['delete', (options) => store.delete(uri, options)],
    ['deletePrefix', (options) => store.deletePrefix(folder, options)],
  ];
}

/** Closing and aborting. */
export const blobLifecycleCases: readonly ContractCase[] = [
  blobCase(
    '[20] every operation of a closed store fails with STORAGE_CLOSED',
    async ({ store, at, fixture }) => {
      const header = await store.put(at('x/a'), bytesOf('a'));
      await fixture.storage.close();
      for (const [operation, run] of everyCall(store, header, at('x/')))
        await failsWith('STORAGE_CLOSED', run({}), { operation });
      await failsWith('STORAGE_CLOSED', store.getBatch([]));
    },
  ),

  blobCase('[20] a second close does nothing, and close waits for puts under way', async ({ store, at }) => {
    let stored = 0;
    const puts = Array.from({ length: 10 }, (_, i) =>
      store.put(at(`b${i}`), Buffer.of(i)).then(() => stored++),
    );
    await Promise.all([store.close(), store.close()]);
    await Promise.all(puts);
    assert.equal(stored, 10);
    await store.close();
    await store[Symbol.asyncDispose]();
  }),

  blobCase(
    '[20] what was acknowledged before a close is there after a restart: bytes, versions, tags, marks',
    async ({ store, at, fixture }) => {
      const tags = { kind: 'root' };
      const lost = await store.put(at('odd/\0\uffff😀'), bytesOf('lost'), { tags });
      await store.markLost(lost.uri, lost.versionId);
      const kept = await store.put(lost.uri, bytesOf('kept'), {
        tags,
        message: 'M',
        contentType: 'text/plain',
      });
      const before = await walkVersions(store, at(''));
      const { blobs } = await fixture.restart();
      assert.deepEqual(await walkVersions(blobs, at('')), before);
      await holds(blobs, kept, bytesOf('kept'));
      const marked = await blobs.get(lost.uri, { versionId: lost.versionId });
      sameBytes(marked.bytes, bytesOf('lost'));
      assert.deepEqual(marked.header.tags, { ...tags, 'floecat-lost': 'true' });
    },
    'restart',
  ),

  blobCase('[21] a call whose signal is aborted already is not sent', async ({ store, at }) => {
    const header = await store.put(at('x/a'), bytesOf('a'));
    const reason = new Error('no longer needed');
    for (const [operation, run] of everyCall(store, header, at('x/'))) {
      const signal = AbortSignal.abort(reason);
      const error = await failsWith('STORAGE_ABORT_RETRYABLE', run({ signal }), { operation });
      assert.equal(error.cause, reason);
    }
    await holds(store, header, bytesOf('a'));
    assert.equal((await walkVersions(store, at(''))).length, 1);
  }),

  blobCase(
    '[21] [83] a put aborted in flight is whole or not there, and never denied when it is',
    async (bench) => {
      const { store, at } = bench;
      for (let round = 0; round < 10; round++) {
        const uri = at(`b${round}`);
        const bytes = Buffer.alloc(50_000, round);
        const controller = new AbortController();
        const ended = store.put(uri, bytes, { signal: controller.signal }).then(
          () => 'stored',
          (error: unknown) => (error as { code: string }).code,
        );
        for (let turn = 0; turn < round; turn++) await Promise.resolve();
        controller.abort();
        const outcome = await ended;
        assert.ok(
          ['stored', 'STORAGE_UNKNOWN_OUTCOME', 'STORAGE_ABORT_RETRYABLE'].includes(outcome),
          outcome,
        );
        const [blob] = await store.getBatch([uri]);
        if (blob) sameBytes(blob.bytes, bytes);
        if (outcome === 'stored') assert.ok(blob, 'acknowledged, but not there');
        if (outcome === 'STORAGE_ABORT_RETRYABLE')
          assert.equal(blob, undefined, 'certainly not applied, yet there');
      }
    },
  ),

  blobCase('[21] a signal is let go of once the call has ended', async ({ store, at }) => {
    const header = await store.put(at('x/a'), bytesOf('a'));
    const controller = new AbortController();
    for (const [operation, run] of everyCall(store, header, at('x/'))) {
      await run({ signal: controller.signal });
      // Letting go may take the turn after the answer.
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(getEventListeners(controller.signal, 'abort').length, 0, operation);
    }
  }),
];
