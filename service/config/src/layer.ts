import type { ConfigProblem } from './errors.ts';
import type { Origin } from './origin.ts';
import type { Property } from './property.ts';
import type { PropertyNames } from './property-names.ts';

/** A text that was given for a property. */
export interface Given {
  readonly property: Property;
  readonly text: string;
  readonly origin: Origin;
}

/** What one source of settings holds. */
export interface Layer {
  readonly given: readonly Given[];
  /** Names that nobody knows, lines and files that cannot be read. */
  readonly problems: readonly ConfigProblem[];
}

/** The problem of a name that is no property. What was given for it is not told: it may be a secret. */
export function unknownName(
  names: PropertyNames,
  name: string,
  origin: Origin,
  spell: (property: string) => string = (property) => property,
): ConfigProblem {
  const nearest = names.nearest(name);
  return {
    name,
    origin,
    message: `no such property${nearest ? `; the nearest is ${spell(nearest.name)}` : ''}`,
  };
}
