import type { ValueType } from './value-type.ts';

/** A default that depends on another property. */
export interface DerivedDefault {
  /** For people, such as "as floecat.kv". */
  readonly description: string;
  /** `read` answers the text of another property in effect, its default included. */
  derive(read: (name: string) => string): string;
}

/** One `floecat.*` property. */
export interface Property<T = unknown> {
  readonly name: string;
  readonly type: ValueType<T>;
  /** As it would be written in a file, so that it is parsed by the same code; absent where none is needed. */
  readonly default: string | DerivedDefault | undefined;
  /** What it does, in one or two sentences of Markdown. */
  readonly doc: string;
  /** Only the environment and the command line can set it. */
  readonly notInFile?: true;
}

/** Properties that belong together; the key of each is its name in the checked settings. */
export interface Section {
  readonly title: string;
  readonly properties: Readonly<Record<string, Property>>;
}

/** Every property there is, by section. */
export type Schema = Readonly<Record<string, Section>>;

/** What the properties of a schema hold once they are checked, by section and key. */
export type ValuesOf<S extends Schema> = {
  readonly [K in keyof S]: {
    readonly [P in keyof S[K]['properties']]: S[K]['properties'][P] extends Property<infer T> ? T : never;
  };
};

export function property<T>(
  name: string,
  type: ValueType<T>,
  defaultValue: string | DerivedDefault,
  doc: string,
): Property<T> {
  return { name, type, default: defaultValue, doc };
}

/** A property without a default: `undefined` where it is not set. */
export function optional<T>(
  name: string,
  type: ValueType<T>,
  doc: string,
  flags: { readonly notInFile?: true } = {},
): Property<T | undefined> {
  return { name, type, default: undefined, doc, ...flags };
}

export function section<const P extends Readonly<Record<string, Property>>>(
  title: string,
  properties: P,
): { readonly title: string; readonly properties: P } {
  return { title, properties };
}

/** All properties of a schema, in its order. */
export function propertiesOf(schema: Schema): Property[] {
  return Object.values(schema).flatMap((one) => Object.values(one.properties));
}
