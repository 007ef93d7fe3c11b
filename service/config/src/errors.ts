import type { Origin } from './origin.ts';
import { describeOrigin } from './origin.ts';

/** One thing that is wrong with the settings. */
export interface ConfigProblem {
  /** As it was written: a property, an environment variable; absent where a line or a file could not be read. */
  readonly name?: string;
  /** As it was given; `***` for a secret; absent where a name is unknown, since that may be a secret's. */
  readonly value?: string;
  readonly origin?: Origin;
  /** What is wrong, and what is accepted. */
  readonly message: string;
  /** What lay beneath it, where something did. */
  readonly cause?: unknown;
}

/**
 * The settings are wrong; nothing was started. It holds every problem found, not the first. Catch it at the entry,
 * print its message and stop. Its `code` is `CONFIG_INVALID`.
 */
export class ConfigError extends Error {
  readonly code = 'CONFIG_INVALID';
  readonly problems: readonly ConfigProblem[];

  /** Its `cause` is that of the first problem that has one. */
  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    const lines = problems.map((problem) => `\n  ${describeProblem(problem)}`);
    const cause = problems.find((problem) => problem.cause !== undefined)?.cause;
    super(
      `${count} with the settings; correct them and start again:${lines.join('')}`,
      cause === undefined ? undefined : { cause },
    );
    this.name = new.target.name;
    this.problems = Object.freeze([...problems]);
  }
}

/** One line: `floecat.http.port = "NaN" (environment variable FLOECAT_HTTP_PORT): expected …`. */
export function describeProblem({ name, value, origin, message }: ConfigProblem): string {
  const bare = name === undefined || (origin?.kind === 'environment' && origin.variable === name);
  const what = [
    !bare && printable(name),
    value !== undefined && `= ${quoted(value)}`,
    origin && (bare ? describeOrigin(origin) : `(${describeOrigin(origin)})`),
  ].filter(Boolean);
  return what.length === 0 ? message : `${what.join(' ')}: ${message}`;
}

function quoted(value: string): string {
  return JSON.stringify(value.length > 80 ? value.slice(0, 80) + '…' : value);
}

/** As it is, or quoted where a control character would otherwise reach the terminal. */
export function printable(text: string): string {
  return /\p{Cc}/u.test(text) ? JSON.stringify(text) : text;
}
