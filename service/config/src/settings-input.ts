/** Everything that settings are read from. */
export interface SettingsInput {
  /** Command line arguments; only `-D name=value` and `-Dname=value` are looked at. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working directory, absolute: where `application.properties` is looked for and relative paths begin. */
  readonly cwd: string;
}

/** That of this process. Nothing else in the product reads the environment. */
export function processInput(): SettingsInput {
  return { args: process.argv.slice(2), env: process.env, cwd: process.cwd() };
}
