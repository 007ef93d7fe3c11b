import type { UpstreamS3Settings } from './aws-settings.ts';
import { upstreamS3 } from './aws-settings.ts';
import type { CheckedValues } from './check-values.ts';
import { checkValues } from './check-values.ts';
import { ConfigError } from './errors.ts';
import type { GcProperties } from './gc-schema.ts';
import { gcSettings } from './gc-schema.ts';
import type { Schema, ValuesOf } from './property.ts';
import { PropertyNames } from './property-names.ts';
import { readRawSettings } from './raw-settings.ts';
import type { RetryProperties } from './retry-schema.ts';
import { retryProblems, retrySettings } from './retry-schema.ts';
import { SCHEMA } from './schema.ts';
import type { SettingsInput } from './settings-input.ts';
import type { StorageSettings } from './storage-settings.ts';
import { storageProblems, storageSettings } from './storage-settings.ts';

type Values = ValuesOf<typeof SCHEMA>;

/** The settings of a process: checked, complete and frozen. Backends are told apart by their `backend`. */
export type Settings = Pick<Values, 'identity' | 'http' | 'log' | 'metrics' | 'cache'> &
  StorageSettings &
  RetryProperties & {
    readonly gc: GcProperties;
    readonly upstream: Values['upstream'] & { readonly s3: UpstreamS3Settings };
    /** Folder for what is kept on this machine, absolute; the local backend is in it. */
    readonly dataDir: string;
    /** The properties file that was read, absolute. */
    readonly file: string | undefined;
  };

export type LogLevel = Settings['log']['level'];

/** Every value that a schema's properties have, with all that is wrong. */
export function checkInput<S extends Schema>(
  schema: S,
  input: SettingsInput,
): CheckedValues<S> & { readonly file: string | undefined } {
  const raw = readRawSettings(new PropertyNames(schema), input);
  return { ...checkValues(schema, raw, input.cwd), file: raw.file };
}

/** As {@link checkInput} of {@link SCHEMA}, with the problems of combinations. */
export function checkFloecat(input: SettingsInput): ReturnType<typeof checkInput<typeof SCHEMA>> {
  const checked = checkInput(SCHEMA, input);
  return {
    ...checked,
    problems: [...checked.problems, ...retryProblems(checked), ...storageProblems(checked)],
  };
}

/**
 * Reads, checks and completes the settings: defaults, then the properties file, then the environment, then `-D`.
 * Throws one {@link ConfigError} with everything that is wrong.
 */
export function loadSettings(input: SettingsInput): Settings {
  const { draft, problems, file } = checkFloecat(input);
  if (problems.length > 0) throw new ConfigError(problems);
  // Without a problem, every value is there.
  const values = draft as Values;
  const { identity, http, upstream, log, metrics, cache, storage } = values;
  return Object.freeze({
    identity,
    http,
    log,
    metrics,
    cache,
    ...retrySettings(values),
    gc: gcSettings(values),
    upstream: { ...upstream, s3: upstreamS3(values) },
    ...storageSettings(values),
    dataDir: storage.dataDir,
    file,
  });
}
