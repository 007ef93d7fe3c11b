import type { DescField, DescFile, DescMessage, Message } from '@bufbuild/protobuf';
import { getOption, hasOption, ScalarType } from '@bufbuild/protobuf';
import { blob_ref as blobRef } from '@floecat/proto/options';

/**
 * The fields of a message `M` that can hold blob URIs, as dotted paths such as `metadata.uri`. A path through a list
 * stands for each of its elements.
 */
export type StringPath<M> = {
  [K in keyof M & string]: K extends '$typeName' | '$unknown' ? never : PathBelow<K, NonNullable<M[K]>>;
}[keyof M & string];

type PathBelow<K extends string, V> = V extends string
  ? K
  : V extends readonly (infer E)[]
    ? PathBelow<K, E>
    : V extends Message
      ? `${K}.${StringPath<V>}`
      : never;

/** What a kind says of the blobs that its message names. */
export interface ReferenceDeclaration {
  readonly schema: DescMessage;
  /** Paths of the fields that hold their URIs. */
  readonly blobs: readonly string[];
}

/** The values at `path` in a message, through every list on the way; empty ones are left out. */
export function stringsAt(message: unknown, path: string): string[] {
  const values = path.split('.').reduce<unknown[]>(
    (reached, name) =>
      reached.flatMap((value) => {
        const next = (value as Record<string, unknown>)[name];
        return next === undefined ? [] : next;
      }),
    [message],
  );
  return values.filter((value): value is string => typeof value === 'string' && value !== '');
}

/**
 * Throws unless every blob reference of the messages in `files` is declared by the kind whose message holds it: what a
 * collector does not know of, it would delete. A field that looks like a URI of ours has to say whether it is one
 * (option `floecat.v1.blob_ref`), and one that is has to lie below the message of a kind, on a path that it declares.
 */
export function checkReferences(kinds: readonly ReferenceDeclaration[], files: readonly DescFile[]): void {
  const reached = new Set<DescField>();
  for (const { schema, blobs } of kinds) {
    const marked = markedPaths(schema, [], reached);
    const undeclared = marked.filter((path) => !blobs.includes(path));
    const unmarked = blobs.filter((path) => !marked.includes(path));
    if (undeclared.length > 0)
      throw new TypeError(
        `${schema.typeName} references blobs at ${undeclared.join(', ')}: declare it in its kind, or they would be collected`,
      );
    if (unmarked.length > 0)
      throw new TypeError(
        `the kind of ${schema.typeName} declares ${unmarked.join(', ')}, which has no option floecat.v1.blob_ref: mark it`,
      );
  }
  for (const field of files.flatMap(fieldsOf)) {
    const name = `${field.parent.typeName}.${field.name}`;
    if (looksLikeReference(field) && !hasOption(field, blobRef))
      throw new TypeError(
        `${name} looks like the URI of a blob: set its option floecat.v1.blob_ref to true or false`,
      );
    if (isReference(field) && !reached.has(field))
      throw new TypeError(
        `${name} references blobs, but no kind of resource holds a ${field.parent.typeName}: nobody would keep them`,
      );
  }
}

function isReference(field: DescField): boolean {
  return hasOption(field, blobRef) && getOption(field, blobRef);
}

function looksLikeReference(field: DescField): boolean {
  return field.scalar === ScalarType.STRING && /(?:^|_)(?:uris?|blobs?)$/.test(field.name);
}

/** Paths of the references in `message` and in what it holds. `above` are the messages on the way here. */
function markedPaths(message: DescMessage, above: readonly DescMessage[], reached: Set<DescField>): string[] {
  const way = [...above, message];
  return message.fields.flatMap((field) => {
    const held = field.message;
    if (isReference(field)) reached.add(field);
    else if (!held) return [];
    else if (way.includes(held)) {
      if (holdsReference(held)) throw unreachable(field, 'a message that holds itself');
      return [];
    }
    const below = held ? markedPaths(held, way, reached).map((path) => `.${path}`) : [''];
    if (below.length > 0 && (field.fieldKind === 'map' || field.oneof !== undefined))
      throw unreachable(field, 'a map or a oneof');
    return below.map((path) => field.localName + path);
  });
}

function holdsReference(message: DescMessage, seen = new Set<DescMessage>()): boolean {
  if (seen.has(message)) return false;
  seen.add(message);
  return message.fields.some(
    (field) => isReference(field) || (field.message !== undefined && holdsReference(field.message, seen)),
  );
}

function unreachable({ parent, name }: DescField, where: string): TypeError {
  return new TypeError(
    `${parent?.typeName}.${name}: blob references in ${where} are on no path that a kind could declare; use a list`,
  );
}

function fieldsOf(file: DescFile): DescField[] {
  const inside = (message: DescMessage): DescField[] => [
    ...message.fields,
    ...message.nestedMessages.flatMap(inside),
  ];
  return file.messages.flatMap(inside);
}
