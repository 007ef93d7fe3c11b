import { PythonMissingError } from '../../../../tools/localstack/python-environment.ts';
import { startOwnEngine } from '../../../../tools/localstack/engine.ts';

export interface Endpoint extends AsyncDisposable {
  readonly endpoint: string;
}

/**
 * Starts an AWS emulator on a free port that ends with this process. Answers why not where this machine lacks Python
 * or pip, for a skip to print.
 */
export async function startEndpoint(): Promise<Endpoint | { readonly skip: string }> {
  try {
    return await startOwnEngine();
  } catch (error) {
    if (error instanceof PythonMissingError) return { skip: `no emulator: ${error.message}` };
    throw error;
  }
}
