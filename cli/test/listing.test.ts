import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Readable, Writable } from 'node:stream';
import { suite, test } from 'node:test';

import { StorageCorruptionError } from '@floecat/storage-spi';

import type { CliIo } from '../src/cli-io.ts';
import { CommandContext } from '../src/command-context.ts';
import { EXIT } from '../src/exit-codes.ts';
import { printListing } from '../src/listing.ts';
import type { PageOptions } from '../src/paging.ts';

type Item = { readonly name: string; readonly size: number };

const PAGES: readonly (readonly Item[])[] = [
  [],
  [{ name: 'a', size: 1 }],
  [
    { name: 'longer', size: 200 },
    { name: 'b\u0007', size: 3 },
  ],
];
const SHOWN = {
  header: ['size', 'name'],
  row: ({ name, size }: Item) => [size, name],
  empty: 'nothing here',
};

interface Listed {
  readonly context: CommandContext;
  readonly text: string;
  readonly told: string;
}

function contextOf(stdout: Writable, stderr: Writable, json: boolean): CommandContext {
  const io: CliIo = {
    stdin: Readable.from([]),
    stdinIsTerminal: false,
    stdout,
    stderr,
    interactive: false,
    env: {},
    cwd: '.',
    signal: new AbortController().signal,
  };
  return new CommandContext(io, { args: [], json });
}

/** Serves {@link PAGES} by number. */
async function pageAt({ pageToken }: { readonly pageToken?: string }, pages = PAGES) {
  const page = Number(pageToken ?? 0);
  const isLast = page + 1 >= pages.length;
  return { items: pages[page] ?? [], ...(!isLast && { nextPageToken: String(page + 1) }) };
}

async function list(json: boolean, options: PageOptions = {}, read: typeof pageAt = pageAt): Promise<Listed> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const context = contextOf(stdout, stderr, json);
  await printListing(context, 'things', options, read, SHOWN);
  stdout.end();
  stderr.end();
  return { context, text: await textOf(stdout), told: await textOf(stderr) };
}

async function textOf(stream: Readable): Promise<string> {
  return Buffer.concat((await stream.toArray()) as Buffer[]).toString('utf8');
}

suite('a listing of many pages', () => {
  test('is one JSON document, printed as one that is whole', async () => {
    const { text } = await list(true);
    assert.equal(
      text,
      JSON.stringify({ things: PAGES.flat(), 'next-page-token': null }, undefined, 2) + '\n',
    );
  });

  test('is one table, whose columns do not move back', async () => {
    assert.equal((await list(false)).text, 'SIZE  NAME\n   1  a\n 200  longer\n   3  b\\u0007\n');
  });

  test('of nothing says so, or is an empty list', async () => {
    const nothing: typeof pageAt = (request) => pageAt(request, [[]]);
    assert.equal((await list(false, {}, nothing)).text, 'nothing here\n');
    assert.deepEqual(JSON.parse((await list(true, {}, nothing)).text), {
      things: [],
      'next-page-token': null,
    });
  });

  test('is one page where one was asked for, with where to go on', async () => {
    const options = { limit: '1', pageToken: '1' };
    assert.match((await list(false, options)).text, /a\nmore: --page-token 2\n$/);
    assert.deepEqual(JSON.parse((await list(true, options)).text), {
      things: PAGES[1],
      'next-page-token': '2',
    });
  });

  test('tells what is damaged, and the rest', async () => {
    const cause = new StorageCorruptionError('does not parse', { operation: 'load', key: '/a' });
    const { context, text, told } = await list(true, {}, async (request) => ({
      ...(await pageAt(request)),
      damaged: request.pageToken === '1' ? [{ key: '/a', cause }] : [],
    }));
    assert.equal(context.exitCode, EXIT.incomplete);
    assert.match(told, /^damaged: \/a: .*does not parse\n$/);
    assert.equal((JSON.parse(text) as { things: unknown[] }).things.length, 3);
  });

  test('asks for the next page only once the last one was taken', async () => {
    let release: (() => void) | undefined;
    let isSlow = true;
    const slow = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => {
        if (isSlow) release = done;
        else done();
      },
    });
    const asked: string[] = [];
    const context = contextOf(slow, new PassThrough(), false);
    const waits = once(slow, 'newListener');
    const printed = printListing(
      context,
      'things',
      { pageToken: '1' },
      (request) => {
        asked.push(request.pageToken ?? '');
        return pageAt(request);
      },
      SHOWN,
    );
    await waits;
    assert.deepEqual(asked, ['1']);
    isSlow = false;
    release?.();
    await printed;
    assert.deepEqual(asked, ['1', '2']);
  });

  test('ends where nobody reads it any more', async () => {
    const gone = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('gone'), { code: 'EPIPE' })),
    });
    gone.on('error', () => undefined);
    let pages = 0;
    const endless: typeof pageAt = async () => ({ items: PAGES[1] ?? [], nextPageToken: String(++pages) });
    await printListing(contextOf(gone, new PassThrough(), false), 'things', {}, endless, SHOWN);
    assert.ok(pages < 10, `${pages}`);
  });
});
