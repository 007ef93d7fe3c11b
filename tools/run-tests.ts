// Runs every test file, each in a process of its own, and prints one line a file, what the tests print, each skip
// with its reason, each failure, and the count over all of them as the last line.
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { run } from 'node:test';
import { inspect } from 'node:util';

const PATTERNS = ['storage/*/test', 'service/*/test', 'cli/test', 'tools/test', 'examples/test'];
const NAMED = process.argv.slice(2);

const files =
  NAMED.length > 0 ? NAMED : globSync(PATTERNS.map((folder) => `${folder}/**/*.test.ts`)).toSorted();
if (files.length === 0) throw new Error('no test files found');

const print = (line: string): boolean => process.stdout.write(line + '\n');
const failures: string[] = [];
const total = { passed: 0, failed: 0, skipped: 0 };
const began = performance.now();

const events = run({
  files,
  concurrency: Math.max(2, availableParallelism()),
  execArgv: ['--conditions=floecat-source', '--enable-source-maps'],
  // A soak is as long as it takes.
  ...(process.env['FLOECAT_SOAK'] === undefined && { timeout: 10 * 60_000 }),
});

/**
 * Names of skipped tests by reason, since the last file that ended: a file's events come in one piece, and the file that
 * they name is the one that registered the test, which may be a suite that others share.
 */
const skips = new Map<string, string[]>();
events.on('test:pass', ({ name, skip }) => {
  if (skip === undefined || skip === false) return;
  const reason = skip === true ? 'no reason given' : skip;
  skips.set(reason, [...(skips.get(reason) ?? []), name]);
});
// What tests say of themselves; the runner's own figures at the end of a file are told below.
const RUNNERS_OWN = /^(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) \d/;
events.on('test:diagnostic', ({ message }) => {
  if (!RUNNERS_OWN.test(message)) print(`  ${message}`);
});
events.on('test:fail', ({ name, file, line, details }) => {
  const { error } = details;
  const cause: unknown = error.cause ?? error;
  // A suite fails because a test in it did, which is told where it happened.
  if ((error as { failureType?: string }).failureType === 'subtestsFailed') return;
  failures.push(`✖ ${name} (${shown(file)}:${line ?? '?'})\n${inspect(cause, { depth: 4 })}`);
});
events.on('test:stdout', ({ message }) => process.stdout.write(indented(message)));
events.on('test:stderr', ({ message }) => process.stdout.write(indented(message)));
events.on('test:summary', ({ file, counts, duration_ms: ms, success }) => {
  if (file !== undefined) {
    const bad = badOf(counts);
    for (const [reason, names] of skips)
      print(`  skipped, ${reason}: ${names.length > 3 ? `${names.length} tests` : names.join('; ')}`);
    skips.clear();
    print(
      `${success ? '✔' : '✖'} ${shown(file)}: ${counts.passed} passed${bad > 0 ? `, ${bad} failed` : ''} (${seconds(ms)})`,
    );
    return;
  }
  total.passed = counts.passed;
  total.failed = badOf(counts);
  total.skipped = counts.skipped;
});

// Reading the stream to its end is what makes it run.
for await (const event of events) void event;

for (const failure of failures) print('\n' + failure);
print(`\n${files.length} files in ${seconds(performance.now() - began)}`);
if (failures.length > 0 && total.failed === 0) total.failed = failures.length;
print(
  `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
);
if (total.failed > 0 || total.passed === 0) process.exitCode = 1;

/** Failed and cancelled tests; the summary does not count them by themselves. */
function badOf({
  tests,
  passed,
  skipped,
  todo,
}: Readonly<Record<'tests' | 'passed' | 'skipped' | 'todo', number>>): number {
  return tests - passed - skipped - todo;
}

function shown(file: string | undefined): string {
  return file === undefined ? '?' : relative(process.cwd(), file);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function indented(message: string): string {
  return message.replace(/^(?=.)/gm, '  ');
}
