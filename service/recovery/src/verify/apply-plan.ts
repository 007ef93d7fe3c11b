import { open } from 'node:fs/promises';

import { mapBounded, StorageError } from '@floecat/storage-spi';

import { RecoveryRefusedError } from '../errors.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import { applyRepair } from './apply-repair.ts';
import { isHeader, readPlan } from './plan-file.ts';
import type { Repair } from './repair.ts';
import type { Applied, PlanHeader, RepairOutcome } from './repair-plan.ts';

/** Repairs that are done at the same time; each compares what it writes over. */
const LINES_AT_A_TIME = 8;

/** A line that is to be applied. */
interface Chosen {
  readonly line: number;
  readonly repair: Repair;
}

export interface ApplyOptions {
  readonly plan: string;
  /** Where outcomes are kept, one a line, with what was replaced; default: the plan's name with `.applied`. */
  readonly record?: string;
  /** Told of each outcome once it is in the record. */
  readonly onOutcome?: (outcome: RepairOutcome) => unknown;
}

export interface ApplyReport {
  readonly plan: string;
  readonly record: string;
  readonly outcomes: Readonly<Record<RepairOutcome['outcome'], number>>;
  /** Lines that a person has to choose first. */
  readonly notChosen: number;
  /** Lines without a repair. */
  readonly withoutRepair: number;
}

/**
 * Applies what a plan says, some lines at a time, each repair only if what it is about is still as the plan saw it. An interrupted
 * one is applied again from the start: what is done is found done. Outcomes are appended to the record with what they
 * replaced. Throws `RecoveryRefusedError` for the plan of another store, the stores' errors where one is down.
 */
export async function applyPlan(context: RecoveryContext, options: ApplyOptions): Promise<ApplyReport> {
  const { plan, record = `${plan}.applied`, onOutcome } = options;
  const outcomes = { repaired: 0, already: 0, changed: 0, failed: 0 };
  let notChosen = 0;
  let withoutRepair = 0;
  await using file = await open(record, 'a');
  const applyAll = async (lines: readonly Chosen[]): Promise<void> => {
    context.signal?.throwIfAborted();
    await mapBounded(lines, LINES_AT_A_TIME, async (line) => {
      const outcome = await outcomeOf(context, line);
      outcomes[outcome.outcome]++;
      await file.appendFile(`${JSON.stringify(outcome)}\n`);
      await onOutcome?.(outcome);
      context.onProgress?.({ phase: 'repairing', done: outcome.line, unit: 'owners' });
    });
  };
  let chosen: Chosen[] = [];
  for await (const line of readPlan(plan)) {
    if (isHeader(line)) {
      checkStore(context, plan, line);
      continue;
    }
    const { repair } = line;
    if (!repair) withoutRepair++;
    else if (line.apply !== true) notChosen++;
    else chosen.push({ line: line.line, repair });
    if (chosen.length < LINES_AT_A_TIME) continue;
    await applyAll(chosen);
    chosen = [];
  }
  await applyAll(chosen);
  await file.datasync();
  return { plan, record, outcomes, notChosen, withoutRepair };
}

function checkStore({ storage }: RecoveryContext, plan: string, { storeId, tableId }: PlanHeader): void {
  const { layout } = storage;
  if (storeId === layout.storeId && tableId === layout.tableId) return;
  throw new RecoveryRefusedError(
    `${plan} is of store ${storeId}, table ${tableId}, and this is store ${layout.storeId}, table ${layout.tableId}; nothing was changed`,
  );
}

async function outcomeOf(context: RecoveryContext, { line, repair }: Chosen): Promise<RepairOutcome> {
  const applied = await applyRepair(context, repair).catch((error: unknown): Applied => {
    // One that cannot be done must not keep the others from it; a store that is down does.
    if (!(error instanceof StorageError) || isDown(error)) throw error;
    return { outcome: 'failed', what: subjectOf(repair), because: error.message };
  });
  return { line, do: repair.do, ...applied, at: context.clock.now() };
}

function isDown({ code }: StorageError): boolean {
  return [
    'STORAGE_UNAVAILABLE',
    'STORAGE_ACCESS_DENIED',
    'STORAGE_MISCONFIGURED',
    'STORAGE_CLOSED',
    'STORAGE_FULL',
  ].includes(code);
}

function subjectOf(repair: Repair): string {
  switch (repair.do) {
    case 'rescue-blob':
      return repair.uri;
    case 'add-name':
      return repair.name;
    case 'delete-name':
      return repair.row.key;
    case 'roll-back':
    case 'bury-again':
      return repair.owner.key;
  }
}
