import assert from 'node:assert/strict';
import { readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';

import { startOwnEngine } from '../../localstack/engine.ts';
import { lakeOver } from './support/catalog-view.ts';
import { copyOfCheckout } from './support/checkout-copy.ts';
import { noEngine } from './support/no-engine.ts';
import { RunProcess } from './support/run-process.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

suite('restarting on a change of the sources', { skip: await noEngine(), timeout: 240_000 }, () => {
  const root = copyOfCheckout();

  test('the server stops cleanly and starts with the new source; upstream and data stay', async (t) => {
    using folder = temporaryFolder();
    const source = join(root, 'service/catalog/src/rest/health-routes.ts');
    const original = readFileSync(source, 'utf8');
    assert.match(original, /status: 'UP'/);
    await using engine = await startOwnEngine();
    const env = { LOCALSTACK_ENDPOINT: engine.endpoint, FLOECAT_LOG_LEVEL: 'info' };
    await using target = new RunProcess(t, 'run-localstack-localstack', { env, cwd: folder.path, root });
    const first = await target.url();
    const lake = await lakeOver(first);
    assert.equal(await live(first), 'UP');

    const restarted = async (path: string): Promise<string> => {
      await target.line(new RegExp(`^${path} has changed: the server starts again$`));
      return target.url();
    };
    // Written in place.
    writeFileSync(source, original.replaceAll(`'UP'`, `'WELL'`));
    const second = await restarted('service/catalog/src/rest/health-routes.ts');
    assert.equal(await live(second), 'WELL');
    assert.deepEqual(await lakeOver(second), lake);
    await assert.rejects(fetch(first), 'the first server is gone');

    // Replaced by another file, as editors do, twice: the folder is watched still.
    for (const word of ['FINE', 'GOOD']) {
      writeFileSync(`${source}.tmp`, original.replaceAll(`'UP'`, `'${word}'`));
      renameSync(`${source}.tmp`, source);
      assert.equal(await live(await restarted('service/catalog/src/rest/health-routes.ts.*')), word);
    }

    // Only touched.
    const main = join(root, 'cli/src/main.ts');
    utimesSync(main, new Date(), new Date());
    await restarted('cli/src/main.ts');

    // Broken, and mended.
    writeFileSync(source, 'export const = 1;');
    await target.line(/the server has ended with 1; it is started again once a source changes/);
    writeFileSync(source, original);
    const last = await restarted('service/catalog/src/rest/health-routes.ts');
    assert.equal(await live(last), 'UP');
    assert.deepEqual(await lakeOver(last), lake);

    assert.equal(await target.stop(), 0, target.output);
    await assert.rejects(fetch(last), 'the last server is gone');
    assert.doesNotMatch(target.output, /did not stop cleanly/);
    assert.equal(target.output.match(/registered the demonstration lake/g)?.length, 1);
  });

  test('a server that cannot start at first ends the run with its error', async (t) => {
    using folder = temporaryFolder();
    await using engine = await startOwnEngine();
    const env = { LOCALSTACK_ENDPOINT: engine.endpoint, FLOECAT_HTTP_PORT: new URL(engine.endpoint).port };
    await using target = new RunProcess(t, 'run-localstack-localstack', { env, cwd: folder.path, root });
    assert.equal(await target.ended(), 1);
    assert.match(target.output, /cannot listen on 127\.0\.0\.1:\d+: the port is in use/);
  });
});

async function live(url: string): Promise<string> {
  return ((await (await fetch(`${url}/health/live`)).json()) as { status: string }).status;
}
