/** One `-D name=value`. */
export interface Definition {
  readonly name: string;
  readonly text: string;
}

export interface SplitArguments {
  /** In the order given; of one name, the last counts. */
  readonly definitions: readonly Definition[];
  /** Names after a `-D` that came without a value. */
  readonly incomplete: readonly string[];
  /** Everything else, for whoever reads the commands and options. */
  readonly rest: readonly string[];
}

/** Takes `-D name=value` and `-Dname=value` out of command line arguments. What follows `--` is left alone. */
export function splitArguments(args: readonly string[]): SplitArguments {
  const definitions: Definition[] = [];
  const incomplete: string[] = [];
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] ?? '';
    if (argument === '--') {
      rest.push(...args.slice(i));
      break;
    }
    if (!argument.startsWith('-D')) {
      rest.push(argument);
      continue;
    }
    const definition = argument === '-D' ? (args[++i] ?? '') : argument.slice(2);
    const separator = definition.indexOf('=');
    if (separator > 0)
      definitions.push({ name: definition.slice(0, separator), text: definition.slice(separator + 1) });
    // Only what can be a name is kept: the rest of it may be a secret behind the wrong separator.
    else incomplete.push(/^[\w.-]*/.exec(definition)?.[0] ?? '');
  }
  return { definitions, incomplete, rest };
}
