/** One system call of a trace, with the places in the trace where it began and ended. */
export interface SystemCall {
  readonly name: string;
  readonly args: string;
  readonly result: string;
  readonly began: number;
  readonly ended: number;
}

/** The calls in the output of `strace -f -y`, in the order in which they ended. */
export function parseTrace(text: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const unfinished = new Map<string, { readonly start: string; readonly began: number }>();
  for (const [at, line] of text.split('\n').entries()) {
    const [, pid = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const begun = /^(.*) <unfinished \.\.\.>$/.exec(rest);
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    if (begun) {
      unfinished.set(pid, { start: begun[1] ?? '', began: at });
      continue;
    }
    const before = resumed ? unfinished.get(pid) : undefined;
    const whole = resumed ? (before?.start ?? '') + (resumed[1] ?? '') : rest;
    const call = /^(\w+)\((.*)\)\s+= (.*)$/s.exec(whole);
    if (!call) continue;
    const [, name = '', args = '', result = ''] = call;
    calls.push({ name, args, result, began: before?.began ?? at, ended: at });
  }
  return calls;
}

export interface Expected {
  /** Folder of all blobs, and folder of the blob's URI relative to it. */
  readonly blobs: string;
  readonly blobFolder: string;
  /** The file of the pointer table. */
  readonly table: string;
}

/**
 * What the trace between `BEGIN` and `ACK` lacks of: file flushed, then renamed; then its folder and the parent of
 * each folder that was made flushed; all that before the pointers are written; their pages flushed, then the page
 * that makes them current written through a descriptor that flushes; and all that before the acknowledgement.
 */
export function missingFlushes(
  calls: readonly SystemCall[],
  { blobs, blobFolder, table }: Expected,
): string[] {
  const begin = marker(calls, 'BEGIN');
  const ack = marker(calls, 'ACK');
  if (!begin || !ack) return ['no BEGIN and ACK in the trace'];
  const between = calls.filter(
    ({ began, ended, result }) => began > begin.ended && ended < ack.began && !result.startsWith('-1'),
  );
  const named = between.filter(
    ({ name }) => name === 'write' || name === 'pwrite64' || name === 'writev' || name === 'pwritev',
  );
  const onTable = named.filter(({ args }) => args.includes(`<${table}>`));
  const pages = onTable.filter(({ args }) => !syncing(calls, args));
  const meta = onTable.findLast(({ args }) => syncing(calls, args));
  const commitBegan = onTable[0]?.began ?? ack.began;

  const missing: string[] = [];
  if (pages.length === 0) missing.push('no pages of the pointer table were written');
  if (!meta)
    missing.push('the page that makes the commit current was not written through a flushing descriptor');
  const lastPage = Math.max(...pages.map(({ ended }) => ended));
  if (!flushOf(between, table, lastPage, meta?.began ?? ack.began))
    missing.push('the pages of the pointer table were not flushed before they were made current');

  const folder = `${blobs}/${blobFolder}`;
  const rename = between.find(({ name, args }) => name.startsWith('rename') && args.includes(`"${folder}/`));
  if (!rename) return [...missing, 'no blob was renamed to its place'];
  const temp = /"([^"]+)"/.exec(rename.args)?.[1] ?? '';
  const written = between.filter(
    ({ name, args }) => /^p?write(?:v|64)?$/.test(name) && args.includes(`<${temp}>`),
  );
  if (written.length === 0) missing.push('nothing was written to the temporary file');
  if (!flushOf(between, temp, Math.max(...written.map(({ ended }) => ended)), rename.began))
    missing.push('the blob was not flushed before it was renamed');
  if (!flushOf(between, folder, rename.ended, commitBegan))
    missing.push('the folder of the blob was not flushed before the pointer was written');
  for (const made of between.filter(({ name }) => name.startsWith('mkdir'))) {
    const path = /"([^"]+)"/.exec(made.args)?.[1] ?? '';
    const parent = path.slice(0, path.lastIndexOf('/'));
    if (!flushOf(between, parent, made.ended, commitBegan))
      missing.push(`the folder ${path} was made, and ${parent} not flushed before the pointer was written`);
  }
  return missing;
}

function marker(calls: readonly SystemCall[], text: string): SystemCall | undefined {
  return calls.find(({ name, args }) => name === 'write' && args.includes(`"${text}\\n"`));
}

/** Whether `path` was flushed wholly between two places. */
function flushOf(calls: readonly SystemCall[], path: string, after: number, before: number): boolean {
  return calls.some(
    ({ name, args, began, ended }) =>
      (name === 'fsync' || name === 'fdatasync') &&
      args.includes(`<${path}>`) &&
      began > after &&
      ended < before,
  );
}

/** Whether the descriptor that a call uses was opened with O_DSYNC or O_SYNC. */
function syncing(calls: readonly SystemCall[], args: string): boolean {
  const [, descriptor = ''] = /^(\d+)</.exec(args) ?? [];
  return calls.some(
    ({ name, args: opened, result }) =>
      name === 'openat' && /O_D?SYNC/.test(opened) && result.startsWith(`${descriptor}<`),
  );
}
