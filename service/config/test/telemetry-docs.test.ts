import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { COLLECTOR_METRICS, COLLECTOR_TAGS, METRICS, SPAN_TAGS, TAGS } from '@floecat/config';

const page = readFileSync(join(import.meta.dirname, '../../../docs/metrics.md'), 'utf8');
const metrics = new Set<string>([...Object.values(METRICS), ...Object.values(COLLECTOR_METRICS)]);
const tags = new Set<string>([TAGS, SPAN_TAGS, COLLECTOR_TAGS].flatMap((names) => Object.values(names)));

test('the page has every metric and every attribute, and no other', () => {
  const told = new Set(page.match(/(?<=`)floecat\.(?:storage|gc)\.[a-z._]+(?=`)/g));
  const ours = [...metrics, ...tags].filter((name) => name.startsWith('floecat.'));
  assert.deepEqual([...told].toSorted(), [...new Set(ours)].toSorted());
  for (const name of tags) assert.ok(page.includes(`\`${name}\``), name);
});

test('the rules for Prometheus are of metrics and attributes that there are', () => {
  const rules = page.slice(page.indexOf('```yaml'), page.lastIndexOf('```'));
  const known = new Set([...metrics, ...tags].map((name) => name.replaceAll('.', '_')));
  const used = rules.match(/\b(?:floecat_(?:storage|gc)_[a-z_]+|error_type)\b/g) ?? [];
  assert.ok(used.length > 20);
  for (const name of used) assert.ok(known.has(name.replace(/_(?:total|count|sum|bucket)$/, '')), name);
});
