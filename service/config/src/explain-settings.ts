import type { CheckedValues } from './check-values.ts';
import type { ConfigProblem } from './errors.ts';
import { describeProblem, printable } from './errors.ts';
import { checkFloecat } from './load-settings.ts';
import type { Origin } from './origin.ts';
import { describeOrigin } from './origin.ts';
import type { Schema } from './property.ts';
import type { SettingsInput } from './settings-input.ts';

export interface ExplainedProperty {
  readonly name: string;
  /** As in effect, paths resolved, secrets as `***`; `null` where it is not set. */
  readonly value: string | null;
  readonly origin: Origin;
  /** What `origin` won over, highest precedence first. */
  readonly overridden: readonly Origin[];
}

/** What is in effect and why. Made of plain values, so that it can be printed as JSON. */
export interface Explanation {
  /** The properties file that was read. */
  readonly file: string | null;
  readonly properties: readonly ExplainedProperty[];
  /** What is wrong; {@link loadSettings} throws these. */
  readonly problems: readonly ConfigProblem[];
}

/** The settings in effect, each with where it comes from. Never throws: what is wrong stands in `problems`. */
export function explainSettings(input: SettingsInput): Explanation {
  return explain(checkFloecat(input));
}

export function explain<S extends Schema>(
  checked: CheckedValues<S> & { readonly file: string | undefined },
): Explanation {
  const properties = Array.from(checked.effective.values(), ({ property, shown, origin, overridden }) => ({
    name: property.name,
    value: shown ?? null,
    origin,
    overridden,
  }));
  return { file: checked.file ?? null, properties, problems: checked.problems };
}

/** An explanation for people: one line a property, then what is wrong. Ends in a line break. */
export function formatExplanation({ file, properties, problems }: Explanation): string {
  const rows = properties.map(({ name, value, origin, overridden }) => {
    const over = overridden.length > 0 ? `, over ${overridden.map(describeOrigin).join(', ')}` : '';
    const setting = value === null ? `${name} (not set)` : `${name}=${printable(value)}`;
    return [setting, describeOrigin(origin) + over] as const;
  });
  const width = Math.min(60, Math.max(0, ...rows.map(([setting]) => setting.length)));
  const lines = [
    file === null ? 'No properties file was read.' : `Properties file: ${file}`,
    '',
    ...rows.map(([setting, origin]) => `${setting.padEnd(width)}  ${origin}`),
  ];
  if (problems.length > 0) lines.push('', 'Wrong:', ...problems.map((one) => `  ${describeProblem(one)}`));
  return lines.join('\n') + '\n';
}
