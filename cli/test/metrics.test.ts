import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { serve } from './support.ts';

const MEMORY = ['-D', 'floecat.kv=memory', '-D', 'floecat.blob=memory', '-D', 'floecat.seed.enabled=false'];

suite('floecat serve', () => {
  test('tells under /metrics what its stores did', async () => {
    await using server = await serve(MEMORY);
    await fetch(`${server.url}/v1/default/namespaces`);
    const answer = await fetch(`${server.url}/metrics`);
    assert.equal(answer.status, 200);
    assert.match(
      await answer.text(),
      /^floecat_storage_operation_duration_count\{.*"listPointersByPrefix".*\} [1-9]/m,
    );
  });

  test('tells there what its collectors did too', async () => {
    await using server = await serve(MEMORY);
    // The first run of each begins with the service; which of them is done first is not known.
    let page = '';
    for (let i = 0; i < 2_000 && !/^floecat_gc_run_duration_count/m.test(page); i++)
      page = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(page, /^floecat_gc_run_duration_count\{.*"done".*\} 1/m);
  });

  test('does not, where metrics are switched off', async () => {
    await using server = await serve([...MEMORY, '-D', 'floecat.metrics.enabled=false']);
    assert.equal((await fetch(`${server.url}/metrics`)).status, 404);
  });
});
