import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';

import { InvalidArgumentError } from '@floecat/storage-spi';

import { RecoveryRefusedError } from '../errors.ts';
import type { Finding } from './finding.ts';
import type { PlanHeader, PlanLine } from './repair-plan.ts';
import { PLAN_FORMAT, planLine } from './repair-plan.ts';

/** Writes a plan, a line at a time: JSON lines, the first one a {@link PlanHeader}. */
export class PlanWriter implements AsyncDisposable {
  readonly path: string;
  readonly #file: FileHandle;
  /** Findings that it was given, notes among them. */
  #given = 0;
  #lines = 0;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /** A new plan. Throws `InvalidArgumentError` where there is such a file: a plan is never overwritten. */
  static async create(path: string, header: PlanHeader): Promise<PlanWriter> {
    const writer = new PlanWriter(path, await openNew(path));
    await writer.#write(header);
    return writer;
  }

  /**
   * The plan of a run that was interrupted and goes on behind its first so many `findings`: what it holds beyond them goes,
   * and is found again. The plan is saved before the run is, so it may be ahead by a mark.
   */
  static async resume(path: string, run: string, findings: number): Promise<PlanWriter> {
    const file = await open(path, 'a+').catch((cause: unknown) => {
      throw cannot('read', path, cause);
    });
    const writer = new PlanWriter(path, file);
    try {
      await writer.#cutTo(run, findings);
    } catch (error) {
      await file.close();
      throw error;
    }
    return writer;
  }

  /** Lines with something to read, the header not counted. */
  get lines(): number {
    return this.#lines;
  }

  async add(finding: Finding): Promise<void> {
    this.#given++;
    const line = planLine(finding, this.#lines + 1);
    if (!line) return;
    this.#lines++;
    await this.#write(line);
  }

  /** Makes what it was given durable, with a mark that a resumed run goes on from. */
  async save(): Promise<void> {
    await this.#write({ saved: this.#given });
    await this.#file.datasync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #write(value: unknown): Promise<void> {
    await this.#file.appendFile(`${JSON.stringify(value)}\n`);
  }

  async #cutTo(run: string, findings: number): Promise<void> {
    let end = 0;
    let at = 0;
    let lines = 0;
    for (const text of (await this.#file.readFile('utf8')).split('\n').slice(0, -1)) {
      at += Buffer.byteLength(text) + 1;
      const value = parseLine(this.path, text);
      if (isHeader(value) && value.run !== run)
        throw new RecoveryRefusedError(
          `${this.path} is the plan of the verification ${value.run}, not of ${run}`,
        );
      if ('line' in value) lines++;
      if (!('saved' in value) && !isHeader(value)) continue;
      if ('saved' in value && Number(value.saved) > findings) break;
      end = at;
      this.#lines = lines;
      this.#given = 'saved' in value ? Number(value.saved) : 0;
    }
    await this.#file.truncate(end);
  }
}

/** The lines of a plan, as a person left them. Throws `InvalidArgumentError` for what is no plan. */
export async function* readPlan(path: string): AsyncGenerator<PlanHeader | PlanLine> {
  const file = await openOld(path);
  try {
    let isFirst = true;
    for await (const text of createInterface({ input: file.createReadStream({ autoClose: false }) })) {
      if (text.trim() === '') continue;
      const value = parseLine(path, text);
      if (isFirst && !isHeader(value)) throw notAPlan(path);
      isFirst = false;
      if (isHeader(value) || 'line' in value) yield value as PlanHeader | PlanLine;
    }
    if (isFirst) throw notAPlan(path);
  } finally {
    await file.close();
  }
}

export function isHeader(value: object): value is PlanHeader {
  return 'format' in value && value.format === PLAN_FORMAT;
}

function parseLine(path: string, text: string): object {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Told below.
  }
  throw new InvalidArgumentError(`${path} has a line that is no JSON object: ${text.slice(0, 80)}`);
}

function notAPlan(path: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `${path} does not begin as a repair plan (${PLAN_FORMAT}): make one with floecat verify --repair plan --plan ${path}`,
  );
}

async function openNew(path: string): Promise<FileHandle> {
  return open(path, 'ax').catch((cause: unknown) => {
    throw cannot('written', path, cause);
  });
}

async function openOld(path: string): Promise<FileHandle> {
  return open(path, 'r').catch((cause: unknown) => {
    throw cannot('read', path, cause);
  });
}

function cannot(what: 'read' | 'written', path: string, cause: unknown): InvalidArgumentError {
  const why = (cause as NodeJS.ErrnoException).code === 'EEXIST' ? 'it exists' : (cause as Error).message;
  return new InvalidArgumentError(`the plan ${path} cannot be ${what}: ${why}`, { cause });
}
