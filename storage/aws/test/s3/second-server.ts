import type { ServerDefect } from '@floecat/storage-testkit';

import { PythonMissingError } from '../../../../tools/localstack/python-environment.ts';
import { MOTO, startMoto } from '../../../../tools/moto/moto.ts';
import type { Endpoint } from './endpoint.ts';

/**
 * The second S3 server, on a free port, that ends with this process: moto, since of those that the registries have and
 * that need no compiler it keeps to S3 the closest (`tools/moto/README.md`). Answers why not where this machine lacks
 * Python or pip, for a skip to print.
 */
export async function startSecondServer(): Promise<Endpoint | { readonly skip: string }> {
  try {
    return await startMoto();
  } catch (error) {
    if (error instanceof PythonMissingError) return { skip: `no ${MOTO}: ${error.message}` };
    throw error;
  }
}

/** What the second server does otherwise than S3, by the cases of the blob contract that show it. */
export const SECOND_SERVER_DEFECTS: readonly ServerDefect[] = [
  {
    case: '[26] control characters and reserved ones are blobs of their own',
    because: `the routes of ${MOTO} do not match a line feed in a key, so it answers a page of HTML`,
    failsWith: /put "\/\\n": .*PutObject.*(?:html|XML)/s,
  },
  {
    case: '[42] a token whose blob was deleted goes on from where it stood',
    because: `${MOTO} answers nothing more to a listing of versions whose marker was deleted; S3 goes on behind it`,
    failsWith: /^listVersions\n/,
  },
];
