import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { SecretRef } from '@floecat/storage-spi';
import { PageTokens, pageOfSecrets } from '@floecat/storage-spi';
import * as fc from 'fast-check';

const tokens = new PageTokens('01234567-89ab-4cde-8f01-23456789abcd');
const part = fc.string({
  unit: fc.constantFrom('a', '/', '!', '%', '\0', '\uffff', '\u{10000}'),
  minLength: 1,
});
const refs = fc.uniqueArray(fc.record({ account: fc.constant('acc'), type: part, id: part }), {
  selector: ({ type, id }) => JSON.stringify([type, id]),
});

function byBytes(a: SecretRef, b: SecretRef): number {
  return (
    Buffer.compare(Buffer.from(a.type), Buffer.from(b.type)) ||
    Buffer.compare(Buffer.from(a.id), Buffer.from(b.id))
  );
}

void test('pages of secrets put together are all of them, once, in order of type and id', () => {
  fc.assert(
    fc.property(refs, fc.integer({ min: 1, max: 5 }), (all, limit) => {
      const seen: SecretRef[] = [];
      let pageToken: string | undefined;
      do {
        const page = pageOfSecrets(tokens, 'acc', all, {
          limit,
          ...(pageToken !== undefined && { pageToken }),
        });
        assert.ok(page.secrets.length <= limit);
        seen.push(...page.secrets);
        pageToken = page.nextPageToken;
      } while (pageToken !== undefined);
      assert.deepEqual(seen, all.toSorted(byBytes));
    }),
  );
});
