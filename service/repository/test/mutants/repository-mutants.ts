import type { SourceMutant } from '@floecat/storage-testkit';

/** Bugs of the repository layer, each with the law that it breaks. */
export const repositoryMutants: readonly SourceMutant[] = [
  {
    bug: 'a lost update: the commit compares what it finds, not what was seen',
    law: 'of two updates of one state, one is refused',
    file: 'commit.ts',
    find: 'await pointers.compareAndSetBatch(operations,',
    put: `await pointers.compareAndSetBatch(
      await Promise.all(
        operations.map(async (operation) => {
          if (operation.op !== 'upsert' || operation.expected === 0) return operation;
          return { ...operation, expected: (await pointers.get(operation.key)) ?? 0 };
        }),
      ),`,
  },
  {
    bug: 'half a rename: the old name is not given up',
    law: 'a rename takes the new name and gives up the old one',
    file: 'commit-plan.ts',
    find: "...lost.map((row): BatchOperation => ({ op: 'delete', key: row.key, expected: row })),",
    put: '',
  },
  {
    bug: 'half a rename: the new name is not taken',
    law: 'a rename takes the new name and gives up the old one',
    file: 'commit-plan.ts',
    find: "isNew ? [{ op: 'upsert', key, expected: 0, next: { kind: 'value', value: owner.id } }] : [],",
    put: "isNew && !previous ? [{ op: 'upsert', key, expected: 0, next: { kind: 'value', value: owner.id } }] : [],",
  },
  {
    bug: 'a name that is taken is taken over',
    law: 'of many that create one name, one wins',
    file: 'commit.ts',
    find: 'await pointers.compareAndSetBatch(operations,',
    put: `await pointers.compareAndSetBatch(
      await Promise.all(
        operations.map(async (operation) => {
          if (operation.op !== 'upsert' || operation.next.kind !== 'value') return operation;
          return { ...operation, expected: (await pointers.get(operation.key)) ?? 0 };
        }),
      ),`,
  },
  {
    bug: 'a drop leaves the name',
    law: 'the name of what was dropped is free at once',
    file: 'change.ts',
    find: 'drop.keepNames ? namesOf(previous) : []',
    put: 'namesOf(previous)',
  },
  {
    bug: 'a rename deletes a name that leads elsewhere by now',
    law: 'a rename takes away its own name only',
    file: 'commit.ts',
    find: "row?.kind === 'value' && row.value === change.owner.id ? [row] : []",
    put: 'row ? [row] : []',
  },
  {
    bug: 'tables and views share names',
    law: 'a table and a view never share a name',
    file: 'change.ts',
    find: 'rivals: takesName ? kind.rivals(owner.account, resource) : [],',
    put: 'rivals: [],',
  },
  {
    bug: 'the parent is looked at before the commit, not in it',
    law: 'a child whose parent was dropped before its commit is refused',
    file: 'parent-checks.ts',
    find: 'if (name === undefined) return [isAlive({ pointer: row })];',
    put: 'if (name === undefined) return [];',
  },
  {
    bug: 'a parent that is DELETING takes children',
    law: 'nothing is created in what is being dropped',
    file: 'parent-checks.ts',
    find: "states: ['LIVE'] };",
    put: "states: ['LIVE', 'DELETING'] };",
  },
  {
    bug: "the path of a parent is not a condition of its child's",
    law: 'a namespace that was renamed takes no child below its old path',
    file: 'parent-checks.ts',
    find: "return [isAlive({ pointer: row }), { op: 'check', key: name, expected: nameRow }];",
    put: 'return [isAlive({ pointer: row })];',
  },
  {
    bug: 'DELETING is skipped: what is dropped is not closed before it is looked whether it is empty',
    law: 'a child that came while it was looked for keeps its parent',
    file: 'drop.ts',
    find: 'const closed = await close(context, kind, seen, options);',
    put: 'const closed = seen;',
  },
  {
    bug: 'DELETING is skipped: what is dropped with its children goes first',
    law: 'a recursive drop takes all that is in it',
    file: 'drop.ts',
    find: 'if (!hasChildren && kind.dependents(owner) === undefined)',
    put: 'if (recursive || kind.dependents(owner) === undefined)',
  },
  {
    bug: 'nobody looks again once it is closed',
    law: 'a child that came while it was looked for keeps its parent',
    file: 'drop.ts',
    find: 'await ifEmpty(context, kind, closed, children, options);',
    put: '',
  },
  {
    bug: 'what was closed for nothing is not opened again',
    law: 'a child that came while it was looked for keeps its parent',
    file: 'drop.ts',
    find: 'await reopen(context, kind, closed, options).catch(() => undefined);',
    put: '',
  },
  {
    bug: 'a namespace is renamed without being closed',
    law: 'a child that came while a namespace was renamed',
    file: 'namespace-repository.ts',
    find: 'await ifEmpty(this.context, this.kind, closed, nested, options);',
    put: '',
  },
  {
    bug: 'no tombstone is left',
    law: 'a tombstone stays',
    file: 'drop.ts',
    find: '  return commitOne<Dropped>(context, change, options);\n}\n\n/** Goes on',
    put: `  const tombstone = await commitOne<Dropped>(context, change, options);
  await context.storage.pointers.compareAndDelete(tombstone.owner.key, tombstone.pointer);
  return tombstone;
}

/** Goes on`,
  },
  {
    bug: 'a tombstone is taken for something that is there',
    law: 'comes back empty, over its tombstone',
    file: 'account-repository.ts',
    find: 'if (before && isPresent(before)) return before;',
    put: 'if (before) return before as never;',
  },
  {
    bug: 'what hangs on a table is left when it is dropped',
    law: 'a recursive drop takes all that is in it',
    file: 'drop.ts',
    find: 'if (prefix === undefined) return 0;',
    put: 'return 0;',
  },
  {
    bug: 'one conflict ends the drop of a child',
    law: 'a table that is written to all the while is dropped',
    file: 'drop.ts',
    find: '!(error instanceof ResourceConflictError) || attempt === DROP_ATTEMPTS',
    put: 'attempt > 0',
  },
  {
    bug: 'the carry-over rule: a blob that nobody put is committed',
    law: 'a blob that a state names is put in its change',
    file: 'change.ts',
    find: 'if (!known.has(uri) && writer?.has(uri) !== true)',
    put: 'if (false)',
  },
  {
    bug: 'the carry-over rule: a blob of another owner is committed',
    law: 'a blob that a state names is put in its change',
    file: 'change.ts',
    find: 'if (!uri.startsWith(owner.blobPrefix))',
    put: 'for (const payload of payloads) known.add(payload.uri);\n    known.add(uri);\n    if (false)',
  },
  {
    bug: 'a stale name is served',
    law: 'a name that somebody remembers is not served once it leads elsewhere',
    file: 'name-path.ts',
    find: 'return isPresent(root) && namesOf(root).includes(key);',
    put: 'return isPresent(root);',
  },
  {
    bug: 'a stale name is not looked up again',
    law: 'a name that somebody remembers is not served once it leads elsewhere',
    file: 'name-path.ts',
    find: 'for (const key of keys) names.delete(key);',
    put: 'return undefined;',
  },
  {
    bug: 'a remembered name costs the reads again',
    law: 'a load by a name that was resolved before is one pointer read',
    file: 'name-path.ts',
    find: 'names.set(key, id);\n  return',
    put: 'return',
  },
  {
    bug: 'a blob that went in a race is corruption',
    law: 'a read that races a drop',
    file: 'load.ts',
    find: 'if (again?.writeId === pointer.writeId) throw danglingPointer(pointer, uri, error);',
    put: 'throw danglingPointer(pointer, uri, error);',
  },
  {
    bug: 'a blob that is gone is absence',
    law: 'a pointer whose blob is really gone is corruption',
    file: 'load.ts',
    find: 'if (again?.writeId === pointer.writeId) throw danglingPointer(pointer, uri, error);',
    put: 'if (again?.writeId === pointer.writeId) return undefined;',
  },
  {
    bug: 'one damaged row hides its page',
    law: 'one damaged row does not hide the others',
    file: 'load.ts',
    find: 'if (!(cause instanceof StorageCorruptionError)) throw cause;',
    put: 'throw cause;',
  },
  {
    bug: 'damage is not told',
    law: 'one damaged row does not hide the others',
    file: 'load.ts',
    find: 'damaged[i] = { key: owner.key, cause };',
    put: '',
  },
  {
    bug: 'a page comes in the order of the answers',
    law: 'a listing keeps the order of the names',
    file: 'resource-repository.ts',
    find: 'return pageOf(items, page, damaged);',
    put: 'return pageOf(items.toReversed(), page, damaged);',
  },
  {
    bug: 'each row of a page is read by itself',
    law: 'a page is read with one list and one batch',
    file: 'load.ts',
    find: 'const blob = row && blobs.get(row);',
    put: 'const blob = undefined;',
  },
  {
    bug: 'the limit of a transaction is found out by the store',
    law: 'a transaction holds as many rows as the store allows',
    file: 'commit.ts',
    find: 'if (rows > MAX_BATCH_OPERATIONS)',
    put: 'if (rows > 10 * MAX_BATCH_OPERATIONS)',
  },
  {
    bug: 'a transaction is committed one owner after the other',
    law: 'a transaction of which one change is refused applies none',
    file: 'transaction.ts',
    find: 'if (!result.applied) throw conflictError(this.#changes, result.conflicts);',
    put: `if (!result.applied) {
      for (const change of this.#changes) await commit(this.#context, [change], call);
      throw conflictError(this.#changes, result.conflicts);
    }`,
  },
  {
    bug: 'what is to be unchanged is not compared',
    law: 'what a transaction was told to leave unchanged',
    file: 'transaction.ts',
    find: "this.#conditions.push({ op: 'check', key: seen.owner.key, expected: seen.pointer });",
    put: 'void seen;',
  },
  {
    bug: 'the meta is that of the state before',
    law: 'each mutation answers its key, blob, version, etag and time',
    file: 'commit.ts',
    find: "mutationMeta(pointer, receipts[i]?.etag ?? '')",
    put: "changes[i]?.previous?.meta ?? mutationMeta(pointer, receipts[i]?.etag ?? '')",
  },
];
