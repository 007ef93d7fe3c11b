import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import type { ConfigProblem, Settings, SettingsInput } from '@floecat/config';
import { ConfigError, loadSettings } from '@floecat/config';

/** A folder of its own, with the files given, removed after the test. */
export function folder(t: TestContext, files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const path = mkdtempSync(join(tmpdir(), 'floecat-config-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

/** A working directory that does not exist, where no properties file can be. */
export const NOWHERE = join(tmpdir(), 'floecat-config-nowhere');

export function input(given: Partial<SettingsInput> = {}): SettingsInput {
  return { args: [], env: {}, cwd: NOWHERE, ...given };
}

export function load(given: Partial<SettingsInput> = {}): Settings {
  return loadSettings(input(given));
}

/** `-D` arguments of these properties. */
export function define(properties: Readonly<Record<string, string>>): string[] {
  return Object.entries(properties).flatMap(([name, value]) => ['-D', `${name}=${value}`]);
}

/** The error that loading ends in. */
export function refusal(given: Partial<SettingsInput>): ConfigError {
  try {
    load(given);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.equal(error.code, 'CONFIG_INVALID');
    return error;
  }
  assert.fail('the settings were accepted');
}

export function onlyProblem(given: Partial<SettingsInput>): ConfigProblem {
  const { problems, message } = refusal(given);
  assert.equal(problems.length, 1, message);
  return problems[0] as ConfigProblem;
}
