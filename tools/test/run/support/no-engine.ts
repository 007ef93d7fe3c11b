import { installEngine } from '../../../localstack/engine.ts';
import { PythonMissingError } from '../../../localstack/python-environment.ts';

/** Why no AWS emulator can run here, or false. Installs it. */
export async function noEngine(): Promise<string | false> {
  try {
    await installEngine();
    return false;
  } catch (error) {
    if (error instanceof PythonMissingError) return `no emulator: ${error.message}`;
    throw error;
  }
}
