import { join } from 'node:path';

import { pythonWith } from '../localstack/python-environment.ts';
import type { TiedServer } from '../localstack/tied-server.ts';
import { startTiedPython } from '../localstack/tied-server.ts';

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
/** As requirements.txt pins it. */
export const MOTO = 'moto 5.2.5';

// Its server would close each connection after one answer, and tell of each request.
const START = `import logging
from moto.server import main
from werkzeug.serving import WSGIRequestHandler
WSGIRequestHandler.protocol_version = "HTTP/1.1"
logging.getLogger("werkzeug").setLevel(logging.ERROR)
main(["--host", os.environ["MOTO_HOST"], "--port", os.environ["MOTO_PORT"]])`;

/**
 * Starts moto, an S3 server that shares no code with the LocalStack endpoint, on a free port of 127.0.0.1; it ends with
 * this process. Installs it first, under `.toolchain/`. Throws `PythonMissingError` where this machine cannot run it.
 */
export async function startMoto(): Promise<TiedServer> {
  return startTiedPython({
    python: await pythonWith(REQUIREMENTS),
    code: START,
    env: (port) => ({ MOTO_HOST: '127.0.0.1', MOTO_PORT: String(port) }),
    answers: async (endpoint) => {
      const answer = await fetch(`${endpoint}/moto-api/`).catch(() => undefined);
      await answer?.body?.cancel();
      return answer?.ok === true;
    },
  });
}
