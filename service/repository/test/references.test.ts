import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import type { DescFile, DescMessage } from '@bufbuild/protobuf';
import { create, createFileRegistry, setExtension } from '@bufbuild/protobuf';
import type { FieldDescriptorProto } from '@bufbuild/protobuf/wkt';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { blob_ref as blobRef } from '@floecat/proto/options';
import type { Table } from '@floecat/proto/resources';
import { TableSchema } from '@floecat/proto/resources';
import { KINDS, tableKind } from '@floecat/repository';

import type { StringPath } from '../src/blob-references.ts';
import { checkReferences, stringsAt } from '../src/blob-references.ts';

// What a kind declares is compiled against its message.
const DECLARED: StringPath<Table> = 'metadata.uri';
// @ts-expect-error -- a table has no such field
const MISSPELT: StringPath<Table> = 'metadata.url';

/** A field of a planted message; `isReference` undefined leaves the option out. */
function text(name: string, isReference?: boolean, number = 1): FieldDescriptorProto {
  const options = create(FieldOptionsSchema);
  if (isReference !== undefined) setExtension(options, blobRef, isReference);
  return create(FieldDescriptorProtoSchema, {
    name,
    number,
    type: Type.STRING,
    label: Label.OPTIONAL,
    jsonName: name,
    options,
  });
}

function list(name: string, of: string, number = 1): FieldDescriptorProto {
  return create(FieldDescriptorProtoSchema, {
    name,
    number,
    type: Type.MESSAGE,
    label: Label.REPEATED,
    typeName: `.planted.${of}`,
    jsonName: name,
  });
}

/** A file with these messages, as a build that somebody added them to would have it. */
function plant(messages: Readonly<Record<string, readonly FieldDescriptorProto[]>>): {
  readonly file: DescFile;
  readonly message: (name: string) => DescMessage;
} {
  const registry = createFileRegistry(
    create(FileDescriptorSetSchema, {
      file: [
        {
          name: 'planted.proto',
          package: 'planted',
          syntax: 'proto3',
          messageType: Object.entries(messages).map(([name, field]) => ({ name, field: [...field] })),
        },
      ],
    }),
  );
  const file = registry.getFile('planted.proto');
  assert.ok(file);
  const message = (name: string): DescMessage => {
    const found = registry.getMessage(`planted.${name}`);
    assert.ok(found);
    return found;
  };
  return { file, message };
}

suite('blob references are declared', () => {
  test('each kind that there is declares what its message names', () => {
    assert.deepEqual(
      Object.values(KINDS).map(({ collection, blobs }) => [collection, ...blobs]),
      [
        ['accounts'],
        ['catalogs'],
        ['namespaces'],
        ['tables', 'metadata.uri'],
        ['views', 'metadata.uri'],
        ['statistics'],
        ['scan-bundles', 'chunks.uri'],
      ],
    );
    assert.notEqual(DECLARED, MISSPELT);
    const table = create(TableSchema, { metadata: [{ uri: '/a' }, { uri: '' }, { uri: '/b' }] });
    assert.deepEqual(tableKind.references(table), ['/a', '/b']);
  });

  test('a message that references blobs which its kind does not declare stops the start', () => {
    const { file, message } = plant({
      Index: [list('parts', 'Part'), text('manifest_uri', true, 2)],
      Part: [text('uri', true)],
    });
    const schema = message('Index');
    assert.throws(
      () => checkReferences([{ schema, blobs: [] }], [file]),
      /planted\.Index references blobs at parts\.uri, manifestUri: declare it/,
    );
    assert.throws(
      () => checkReferences([{ schema, blobs: ['manifestUri'] }], [file]),
      /references blobs at parts\.uri:/,
    );
    checkReferences([{ schema, blobs: ['parts.uri', 'manifestUri'] }], [file]);
    assert.deepEqual(stringsAt({ parts: [{ uri: '/1' }, { uri: '/2' }] }, 'parts.uri'), ['/1', '/2']);
  });

  test('a message that references blobs and that no kind holds stops the start', () => {
    const { file } = plant({ Index: [text('uri', true)] });
    assert.throws(() => checkReferences([], [file]), /planted\.Index\.uri references blobs, but no kind/);
  });

  test('a field that looks like a reference and does not say whether it is one stops the start', () => {
    for (const name of ['uri', 'chunk_uri', 'uris', 'payload_blob', 'blobs']) {
      const { file } = plant({ Index: [text(name)] });
      assert.throws(
        () => checkReferences([], [file]),
        new RegExp(`planted\\.Index\\.${name} looks like the URI of a blob`),
      );
    }
    checkReferences([], [plant({ Index: [text('uri', false), text('location', undefined, 2)] }).file]);
  });

  test('a declaration of something that is no reference stops the start', () => {
    const { file, message } = plant({ Index: [text('location')] });
    assert.throws(
      () => checkReferences([{ schema: message('Index'), blobs: ['location'] }], [file]),
      /declares location, which has no option/,
    );
  });

  test('references that no path leads to are refused: in a message that holds itself', () => {
    const { file, message } = plant({ Tree: [text('uri', true), list('children', 'Tree', 2)] });
    assert.throws(
      () => checkReferences([{ schema: message('Tree'), blobs: ['uri'] }], [file]),
      /planted\.Tree\.children: blob references in a message that holds itself/,
    );
    const harmless = plant({ Tree: [text('name'), list('children', 'Tree', 2)] });
    checkReferences([{ schema: harmless.message('Tree'), blobs: [] }], [harmless.file]);
  });
});
