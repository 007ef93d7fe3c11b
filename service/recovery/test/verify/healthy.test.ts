import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { LOCAL, MEMORY } from '../support/backends.ts';
import { openVerifyWorld, rowsOf, verified } from '../support/verify-world.ts';

for (const [name, open] of [MEMORY, LOCAL])
  suite(`a healthy store has no findings: ${name}`, () => {
    test('whatever the page, the depth and the accounts', async () => {
      await using world = await openVerifyWorld(open);
      const rows = await rowsOf(world);
      for (const pageSize of [1, 7, 1_000])
        for (const accounts of [undefined, ['acme'], ['nobody', 'acme']]) {
          const options = { deep: true, pageSize, ...(accounts && { accounts }) };
          const { report, findings } = await verified(world.context, { ...options, notes: true });
          assert.deepEqual(findings, []);
          const owners = rows.filter(({ kind }) => kind === 'blob').length;
          const { counts } = report;
          assert.equal(counts.owners, owners);
          assert.equal(counts.names, rows.filter(({ kind }) => kind === 'value').length - 1);
          assert.equal(counts.records, 1);
          assert.equal(counts.orphans, 0, 'all of it is younger than the grace');
          assert.equal(counts.rows, rows.length);
          assert.ok(counts.blobsRead > 6);
        }
    });
  });
