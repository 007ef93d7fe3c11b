import { distance } from 'fastest-levenshtein';

import type { Property, Schema } from './property.ts';
import { propertiesOf } from './property.ts';

/** The environment variable of a property: `floecat.http.port` is `FLOECAT_HTTP_PORT`. */
export function environmentVariable(name: string): string {
  return name.toUpperCase().replace(/[.-]/g, '_');
}

/** Finds properties by their names in files and arguments, and in the environment. */
export class PropertyNames {
  readonly #byName = new Map<string, Property>();
  readonly #byVariable = new Map<string, Property>();

  /** Throws where two properties have one name, or one environment variable. */
  constructor(schema: Schema) {
    for (const property of propertiesOf(schema)) {
      const variable = environmentVariable(property.name);
      const other = this.#byVariable.get(variable);
      if (other) throw new TypeError(`${other.name} and ${property.name} would both be ${variable}`);
      this.#byName.set(property.name, property);
      this.#byVariable.set(variable, property);
    }
  }

  byName(name: string): Property | undefined {
    return this.#byName.get(name);
  }

  byVariable(variable: string): Property | undefined {
    return this.#byVariable.get(variable);
  }

  /** The property whose name takes the fewest changes to get to, however it is spelled. */
  nearest(name: string): Property | undefined {
    const asked = environmentVariable(name);
    let best: { readonly property: Property; readonly changes: number } | undefined;
    for (const [variable, property] of this.#byVariable) {
      const changes = changesBetween(asked, variable);
      if (!best || changes < best.changes) best = { property, changes };
    }
    return best?.property;
  }
}

/** Letters to change; a part that was left out counts as one, so that `floecat.port` leads to `floecat.http.port`. */
function changesBetween(asked: string, variable: string): number {
  const parts = variable.split('_');
  const missing = new Set(parts).difference(new Set(asked.split('_')));
  const subset = asked.split('_').every((part) => parts.includes(part));
  return subset ? missing.size : distance(asked, variable);
}

/** Whether a key of a properties file is meant for us. Others may share the file. */
export function isOurKey(key: string): boolean {
  // With a capital or another separator, or under a profile (`%dev.floecat.kv`), it is a mistake to be told.
  return /^(?:%[^.]*\.)?floecat(?![a-z\d])/i.test(key);
}

/** Variables that begin with `FLOECAT_` and are no property: those of the build. */
export const BUILD_VARIABLES: readonly string[] = [
  'FLOECAT_SOAK',
  'FLOECAT_TEST_STORAGE',
  'FLOECAT_MODEL_REPLAY',
];

/** Whether an environment variable is meant to be a property. */
export function isOurVariable(variable: string, text: string): boolean {
  return (
    /^floecat(?:[._-]|$)/i.test(variable) &&
    !BUILD_VARIABLES.includes(variable) &&
    !isServiceLink(variable, text)
  );
}

/**
 * Kubernetes describes each Service to the containers of its namespace: one called `floecat` as
 * `FLOECAT_SERVICE_HOST`, `FLOECAT_PORT=tcp://10.0.0.1:8181`, `FLOECAT_PORT_8181_TCP_ADDR` and so on.
 */
function isServiceLink(variable: string, text: string): boolean {
  return (
    /^[A-Z\d_]+_SERVICE_(?:HOST|PORT(?:_[A-Z\d_]+)?)$/.test(variable) ||
    /^[A-Z\d_]+_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/.test(variable) ||
    (/^[A-Z\d_]+_PORT$/.test(variable) && /^(?:tcp|udp|sctp):\/\//.test(text))
  );
}
