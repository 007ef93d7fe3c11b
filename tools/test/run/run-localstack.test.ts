import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';

import { whoAnswers } from '../../localstack/engine.ts';
import { readSettings } from '../../localstack/settings.ts';
import { freePort } from '../../localstack/tied-server.ts';
import { LAKE_TABLES, lakeOver } from './support/catalog-view.ts';
import { copyOfCheckout } from './support/checkout-copy.ts';
import { noEngine } from './support/no-engine.ts';
import { allProcesses, environmentOf, NO_PROC, processTree } from './support/process-list.ts';
import type { Variables } from './support/run-process.ts';
import { environment, ROOT, RunProcess } from './support/run-process.ts';
import { tableRows } from './support/table-rows.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const run = promisify(execFile);
const TARGET = 'run-localstack-localstack';

suite('run-localstack-localstack', { skip: await noEngine(), timeout: 240_000 }, () => {
  const root = copyOfCheckout();

  test('it starts LocalStack, comes up with the demonstration lake, and finds all of it again', async (t) => {
    using folder = temporaryFolder();
    const env = {
      LOCALSTACK_ENDPOINT: `http://localhost:${await freePort()}`,
      LOCALSTACK_STATE_DIR: join(folder.path, 'state'),
      LOCALSTACK_BUCKET: 'lake-dev',
      LOCALSTACK_TABLE: 'lake_pointers',
      LOCALSTACK_REGION: 'eu-north-1',
      // The user's own, which has no business here.
      AWS_PROFILE: 'there-is-no-such-profile',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    };
    const settings = readSettings(env);
    const options = { env, cwd: folder.path, root };
    await using _ = stoppedAtEnd(env);
    await using first = new RunProcess(t, TARGET, options);
    await first.line(/is up \(/);
    await first.line(/^registered the demonstration lake: /);
    const lake = await lakeOver(await first.url());
    const rows = await tableRows(settings);
    assert.equal(await first.stop(), 0, first.output);

    const named = `LocalStack at ${settings.endpoint}, bucket lake-dev`;
    assert.ok(first.output.includes(`upstream  ${named}-upstream`), first.output);
    assert.ok(first.output.includes(`catalog   ${named}, table lake_pointers`), first.output);
    for (const table of LAKE_TABLES)
      assert.match(lake[table] ?? '', /"metadata-location":"s3:\/\/lake-dev-upstream\/demo-lake\//, table);
    assert.ok(rows.size > 3 * LAKE_TABLES.length, `${rows.size} rows`);

    // LocalStack and all that is in it have stayed.
    await using second = new RunProcess(t, TARGET, options);
    assert.deepEqual(await lakeOver(await second.url()), lake);
    assert.deepEqual(await tableRows(settings), rows);
    assert.equal(await second.stop(), 0, second.output);
    assert.doesNotMatch(second.output, /registered the demonstration lake|is up \(/);
  });

  test('no secret is in the output or on any command line', { skip: NO_PROC }, async (t) => {
    using folder = temporaryFolder();
    const secret = `secret-${randomBytes(12).toString('hex')}`;
    const env = {
      LOCALSTACK_ENDPOINT: `http://localhost:${await freePort()}`,
      LOCALSTACK_STATE_DIR: join(folder.path, 'state'),
      LOCALSTACK_SECRET_KEY: secret,
      FLOECAT_LOG_LEVEL: 'trace',
    };
    await using _ = stoppedAtEnd(env);
    const seen = new Set<string>();
    const look = (): void => {
      for (const { commandLine } of allProcesses()) seen.add(commandLine);
    };
    await using target = new RunProcess(t, TARGET, { env, cwd: folder.path, root });
    const looking = setInterval(look, 25).unref();
    await lakeOver(await target.url());
    clearInterval(looking);
    const tree = processTree(target.pid);
    // The server has it, so it could have shown it.
    const server = tree.find(({ commandLine }) => commandLine.endsWith('main.ts serve '));
    assert.ok(server, JSON.stringify(tree));
    assert.ok(environmentOf(server.pid).includes(`FLOECAT_FILEIO_OVERRIDE_S3_SECRET_ACCESS_KEY=${secret}`));
    look();
    await target.stop();
    assert.ok(
      [...seen].some((line) => line.includes('localstack.ts up')),
      'what starts LocalStack was looked at too',
    );
    assert.deepEqual(
      [...seen].filter((line) => line.includes(secret)),
      [],
    );
    assert.equal(target.output.includes(secret), false);
    assert.match(target.output, /"level":\d+/, 'the log was in it');
  });

  test('another server on the port is named and left alone, and nothing is started', async (t) => {
    using folder = temporaryFolder();
    const asked: string[] = [];
    const other = createServer((request, answer) => {
      asked.push(request.url ?? '');
      answer.writeHead(418).end();
    }).listen(0, '127.0.0.1');
    try {
      await once(other, 'listening');
      const endpoint = `http://127.0.0.1:${(other.address() as { port: number }).port}`;
      await using target = new RunProcess(t, TARGET, {
        env: { LOCALSTACK_ENDPOINT: endpoint },
        cwd: folder.path,
        root,
      });
      assert.equal(await target.ended(), 1);
      assert.ok(
        target.output.includes(`on ${endpoint} answers a server that is no AWS emulator`),
        target.output,
      );
      assert.deepEqual(asked, ['/_localstack/health']);
    } finally {
      other.close();
    }
  });
});

/** Stops the LocalStack that a target has started. */
function stoppedAtEnd(env: Variables): AsyncDisposable {
  const script = join(ROOT, 'tools', 'localstack', 'localstack.ts');
  return {
    [Symbol.asyncDispose]: async () => {
      await run(process.execPath, [script, 'down'], { env: environment(env) });
      assert.equal(await whoAnswers(env['LOCALSTACK_ENDPOINT'] ?? ''), undefined);
    },
  };
}
