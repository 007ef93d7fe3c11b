import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ContractCase } from '@floecat/storage-testkit';

import { checkDefects, defectOf, expectDefect } from '../src/server-defect.ts';

const odd: ContractCase = { name: 'odd keys', run: async () => {} };
const even: ContractCase = { name: 'even keys', run: async () => {} };
const defect = { case: odd.name, because: 'it answers in HTML', failsWith: /html/ };

void test('a defect is that of the case it names, and of no other', () => {
  assert.equal(defectOf(odd, [defect]), defect);
  assert.equal(defectOf(even, [defect]), undefined);
});

void test('a case that fails as declared is a defect of the server; failing otherwise, it fails', () => {
  const { name } = odd;
  expectDefect({ name, outcome: 'failed', error: new Error('<html>') }, defect);
  expectDefect({ name, outcome: 'failed', error: '<html>' }, defect);
  const other = new Error('a broken law');
  assert.throws(
    () => expectDefect({ name, outcome: 'failed', error: other }, defect),
    (error) => error === other,
  );
});

void test('a case that passes by now must be taken off the list', () => {
  assert.throws(() => expectDefect({ name: odd.name, outcome: 'passed' }, defect), /passes "odd keys" now/);
});

void test('a defect of no case is refused, so that none slips off the list', () => {
  checkDefects([defect], [even, odd]);
  checkDefects([], []);
  assert.throws(() => checkDefects([defect], [even]), /no such case: "odd keys"/);
});
