import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Why processes cannot be looked at here, or false. */
export const NO_PROC: string | false = existsSync('/proc/self/cmdline')
  ? false
  : 'this system has no /proc to read command lines from';

export interface ProcessSeen {
  readonly pid: number;
  readonly commandLine: string;
}

/** Every process of this machine whose command line can be read. */
export function allProcesses(): ProcessSeen[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({
      pid: Number(name),
      commandLine: (read(`/proc/${name}/cmdline`) ?? '').replaceAll('\0', ' '),
    }));
}

/** The process and all that it started and they did. */
export function processTree(root: number): ProcessSeen[] {
  const all = allProcesses();
  const parents = new Map(all.map(({ pid }) => [pid, parentOf(pid)]));
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 0 && (pid === root || isBelow(parents.get(pid)));
  return all.filter(({ pid }) => isBelow(pid));
}

/** The environment that a process was started with. */
export function environmentOf(pid: number): string[] {
  return (read(`/proc/${pid}/environ`) ?? '').split('\0');
}

function parentOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // After the name, which may hold anything, in brackets: the state, and the parent.
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** `undefined` where the process has ended meanwhile, or is another user's. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
