import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { whoAnswers } from '../../localstack/engine.ts';
import { freePort } from '../../localstack/tied-server.ts';
import type { Ended } from './localstack-command.ts';
import { engine, fakeDocker, folder, localstack } from './localstack-command.ts';

const COMPOSE = join(import.meta.dirname, '..', '..', 'localstack', 'compose.yaml');
const options = 'skip' in engine ? engine : {};

interface Docker {
  readonly port: number;
  readonly endpoint: string;
  /** Runs a command with this Docker on the path. */
  readonly run: (command: string, env?: Readonly<Record<string, string>>) => Promise<Ended>;
  /** The calls of `docker` since the last time, without those that only look. */
  readonly calls: () => Promise<readonly string[]>;
  /** Ends the container behind the back of `localstack.ts`. */
  readonly stopByHand: () => Promise<void>;
}

/**
 * A `docker` that writes down its calls. It answers `docker info`, and its container is whatever `up` starts; `up` may
 * use `$port` and leave an id in `$pid`, which says that the container is there.
 */
async function recordingDocker(up: string): Promise<Docker> {
  const port = await freePort();
  const home = await mkdtemp(join(folder, 'calls-'));
  const [log, pid] = [join(home, 'log'), join(home, 'pid')];
  const path = await fakeDocker(`
pid=${pid} port=$LOCALSTACK_PORT
echo "$@ port=$port" >> ${log}
case "$*" in
  info) exit 0 ;;
  *" up --detach") ${up} ;;
  *" ps --quiet") if [ -f $pid ]; then echo container; fi ;;
  *" down --volumes") if [ -s $pid ]; then kill "$(cat $pid)"; fi; rm -f $pid ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac`);
  let seen = 0;
  return {
    port,
    endpoint: `http://127.0.0.1:${port}`,
    run: (command, env = {}) => localstack(port, command, { PATH: `${path}:${process.env['PATH']}`, ...env }),
    calls: async () => {
      const all = (await readFile(log, 'utf8')).trim().split('\n');
      const fresh = all.slice(seen);
      seen = all.length;
      return fresh.filter((call) => !call.includes(' ps --quiet'));
    },
    stopByHand: async () => {
      process.kill(Number(await readFile(pid, 'utf8')));
      await rm(pid);
      // It is gone when nobody answers any more.
      while ((await whoAnswers(`http://127.0.0.1:${port}`)) !== undefined);
    },
  };
}

// Stands in for the image: an emulator on the same port.
const CONTAINER =
  'skip' in engine
    ? ''
    : `BIND_HOST=127.0.0.1 GATEWAY_PORT=$port SERVICES=s3,dynamodb TMPDIR=${folder} DOCKER_HOST=unix:///nonexistent ${engine.python} -m ministack >/dev/null 2>&1 & echo $! > $pid`;

void test(
  'where docker info answers, the image runs by compose: up, again, restart, down',
  options,
  async () => {
    const docker = await recordingDocker(CONTAINER);
    const composed = (...words: readonly string[]): string =>
      `compose -p floecat-localstack-${docker.port} -f ${COMPOSE} ${words.join(' ')} port=${docker.port}`;
    const [up, down] = [composed('up', '--detach'), composed('down', '--volumes')];

    const first = await docker.run('up');
    assert.equal(first.code, 0, first.said);
    assert.match(first.said, /is up \(LocalStack in Docker\); bucket lake-one, table pointers_one/);
    assert.deepEqual(await docker.calls(), ['info port=', up]);

    assert.match((await docker.run('up')).said, /is up already \(LocalStack in Docker\)/);
    assert.deepEqual(await docker.calls(), []);
    assert.equal((await docker.run('status')).code, 0);

    const restarted = await docker.run('restart');
    assert.match(restarted.said, /is down[^]*is up \(LocalStack in Docker\)/, restarted.said);
    assert.deepEqual(await docker.calls(), [down, 'info port=', up]);

    assert.match((await docker.run('down')).said, /is down/);
    assert.deepEqual(await docker.calls(), [down]);
    assert.equal(await whoAnswers(docker.endpoint), undefined);
    assert.match((await docker.run('down')).said, /nothing is up/);
    assert.deepEqual(await docker.calls(), []);
  },
);

void test('a container that never answers is removed, and said', async () => {
  // There, and silent.
  const docker = await recordingDocker(': > $pid');
  const { code, said } = await docker.run('up', { LOCALSTACK_START_SECONDS: '1' });
  assert.equal(code, 1, said);
  assert.match(said, /did not answer on .* within 1 s; it was removed/);
  const words = (await docker.calls()).map((call) => / (up|down) /.exec(call)?.[1] ?? call);
  assert.deepEqual(words, ['info port=', 'up', 'down']);
  assert.equal(remembered(docker), false);
  assert.match((await docker.run('down')).said, /nothing is up/);
});

void test('a container that cannot start is said, and nothing is remembered', async () => {
  const docker = await recordingDocker('echo "no space left on device" >&2; exit 1');
  const { code, said } = await docker.run('up');
  assert.equal(code, 1);
  assert.match(said, /docker compose could not start the container: no space left on device/);
  assert.equal(remembered(docker), false);
  assert.match((await docker.run('down')).said, /nothing is up/);
  assert.equal((await docker.calls()).filter((call) => call.includes(' down ')).length, 0);
});

void test('a container that was stopped by hand is started anew', options, async () => {
  const docker = await recordingDocker(CONTAINER);
  assert.equal((await docker.run('up')).code, 0);
  await docker.stopByHand();
  await docker.calls();
  assert.match((await docker.run('up')).said, /is up \(LocalStack in Docker\)/);
  assert.equal((await docker.calls()).filter((call) => call.includes(' up ')).length, 1);
  assert.match((await docker.run('down')).said, /is down/);
});

function remembered({ port }: Docker): boolean {
  return existsSync(join(folder, 'state', `up-${port}.json`));
}

void test('the image is the one that is written down, and is reached from this machine only', async () => {
  const compose = await readFile(COMPOSE, 'utf8');
  assert.match(compose, /image: localstack\/localstack:4\.12\n/);
  assert.deepEqual(compose.match(/'[^']*:4566'/g), ["'127.0.0.1:${LOCALSTACK_PORT:-4566}:4566'"]);
});
