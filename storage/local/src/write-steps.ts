/** The steps of a durable write. `commit` and `committed` are of pointers, the others of files. */
export type WriteStep =
  | 'temp-create'
  | 'temp-write'
  | 'file-sync'
  | 'rename'
  | 'folder-sync'
  | 'unlink'
  | 'commit'
  | 'committed';

/** Called before each step (`committed`: after the commit). For crash tests: it may end the process, or throw. */
export type StepHook = (step: WriteStep, path: string) => void;
