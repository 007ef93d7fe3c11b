import type { ConfigProblem } from './errors.ts';
import type { Origin } from './origin.ts';
import type { Property, Schema, ValuesOf } from './property.ts';
import { propertiesOf } from './property.ts';
import type { RawSettings } from './raw-settings.ts';

/** A property as it is in effect. A secret's text is `***`. */
export interface Effective {
  readonly property: Property;
  /** For people; absent where the property is not set and has no default. */
  readonly shown: string | undefined;
  readonly origin: Origin;
  /** What `origin` won over, highest precedence first. */
  readonly overridden: readonly Origin[];
}

/** Values by section and key; one is missing where it is wrong. */
export type DraftOf<S extends Schema> = { readonly [K in keyof S]: Partial<ValuesOf<S>[K]> };

export interface CheckedValues<S extends Schema> {
  /** All of {@link ValuesOf} where there are no problems. */
  readonly draft: DraftOf<S>;
  /** By property name, in the order of the schema. */
  readonly effective: ReadonlyMap<string, Effective>;
  readonly problems: readonly ConfigProblem[];
}

const SECRET_SHOWN = '***';

/** Decides which text of each property counts, and parses that. An overridden text is not looked at. */
export function checkValues<S extends Schema>(schema: S, raw: RawSettings, cwd: string): CheckedValues<S> {
  const effective = new Map<string, Effective>();
  const problems: ConfigProblem[] = [...raw.problems];
  const textOf = textReader(schema, raw);

  const check = (property: Property): unknown => {
    const { name, type } = property;
    const [winner, ...losers] = raw.given.filter((given) => given.property === property).toReversed();
    const origin: Origin = winner?.origin ?? { kind: 'default' };
    const text = textOf(name);
    const parsed = text === undefined ? undefined : type.parse(text, cwd);
    let shown = type.secret && text !== undefined ? SECRET_SHOWN : text;
    if (parsed?.ok === false) {
      const message = parsed.why ?? `expected ${type.accepts}`;
      problems.push({ name, ...(shown !== undefined && { value: shown }), origin, message });
    } else if (parsed && type.show && !type.secret) shown = type.show(parsed.value);
    effective.set(name, { property, shown, origin, overridden: losers.map((loser) => loser.origin) });
    return parsed?.ok ? parsed.value : undefined;
  };

  const checkAll = (properties: Readonly<Record<string, Property>>): object =>
    Object.freeze(mapValues(properties, check));
  const draft = mapValues(schema, (section) => checkAll(section.properties)) as DraftOf<S>;
  return { draft, effective, problems };
}

/** The text in effect of a property, by name: what was given last, or the default. */
function textReader(schema: Schema, raw: RawSettings): (name: string) => string | undefined {
  const properties = new Map(propertiesOf(schema).map((property) => [property.name, property]));
  const read = (name: string): string | undefined => {
    const property = properties.get(name);
    if (!property) throw new TypeError(`the schema has no ${name}`);
    const given = raw.given.findLast((one) => one.property === property)?.text;
    if (property.type.secret && given !== undefined) return given;
    if (given !== undefined) return given.trim();
    return typeof property.default === 'object' ? property.default.derive(need) : property.default;
  };
  const need = (name: string): string => {
    const text = read(name);
    if (text === undefined) throw new TypeError(`a default derives from ${name}, which has none itself`);
    return text;
  };
  return read;
}

function mapValues<V, R>(record: Readonly<Record<string, V>>, map: (value: V) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
