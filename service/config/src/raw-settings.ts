import { splitArguments } from './arguments.ts';
import type { ConfigProblem } from './errors.ts';
import { fileToRead, readFileLayer } from './file-layer.ts';
import type { Given, Layer } from './layer.ts';
import { unknownName } from './layer.ts';
import type { Origin } from './origin.ts';
import type { PropertyNames } from './property-names.ts';
import { environmentVariable, isOurVariable } from './property-names.ts';
import type { SettingsInput } from './settings-input.ts';

/** What was given, lowest precedence first, before any of it is checked. */
export interface RawSettings extends Layer {
  /** The properties file that was read. */
  readonly file: string | undefined;
}

/** Gathers the layers: properties file, environment, arguments. */
export function readRawSettings(names: PropertyNames, input: SettingsInput): RawSettings {
  const environment = readEnvironment(names, input.env);
  const args = readArguments(names, input.args);
  const above = [...environment.given, ...args.given];
  const file = readFileLayer(names, fileToRead(above, input.cwd));
  return {
    given: [...file.given, ...above],
    problems: [...file.problems, ...environment.problems, ...args.problems],
    file: file.file,
  };
}

function readEnvironment(names: PropertyNames, env: SettingsInput['env']): Layer {
  const given: Given[] = [];
  const problems: ConfigProblem[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (text === undefined) continue;
    const origin: Origin = { kind: 'environment', variable };
    const property = names.byVariable(variable);
    if (property) given.push({ property, text, origin });
    else if (isOurVariable(variable, text))
      problems.push(unknownName(names, variable, origin, environmentVariable));
  }
  return { given, problems };
}

function readArguments(names: PropertyNames, args: readonly string[]): Layer {
  const given: Given[] = [];
  const problems: ConfigProblem[] = [];
  const origin: Origin = { kind: 'argument' };
  const { definitions, incomplete } = splitArguments(args);
  for (const { name, text } of definitions) {
    const property = names.byName(name);
    if (property?.type.secret)
      problems.push({
        name,
        origin,
        message: `a secret on a command line is seen by every user of this machine; use ${environmentVariable(name)} or a properties file`,
      });
    else if (property) given.push({ property, text, origin });
    else problems.push(unknownName(names, name, origin));
  }
  for (const name of incomplete)
    problems.push({ name, origin, message: 'no value; write -D name=value, such as -D floecat.kv=memory' });
  return { given, problems };
}
