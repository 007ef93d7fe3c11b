import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type {
  ApplyReport,
  Finding,
  PlanLine,
  RecoveryContext,
  VerifyOptions,
  VerifyReport,
} from '@floecat/recovery';
import { applyPlan, isHeader, PLAN_FORMAT, PlanWriter, readPlan, verify } from '@floecat/recovery';

/** A plan in a folder of its own. */
export interface PlanFolder extends AsyncDisposable {
  readonly path: string;
}

export async function planFolder(): Promise<PlanFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'floecat-plan-'));
  return {
    path: join(folder, 'plan.jsonl'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Verifies and writes the plan, as the command does. */
export async function makePlan(
  context: RecoveryContext,
  path: string,
  options: VerifyOptions & { readonly onReport?: (report: VerifyReport) => unknown } = {},
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const { storeId, tableId } = context.storage.layout;
  let writer: PlanWriter | undefined;
  try {
    const report = await verify(context, {
      ...options,
      onStart: async (run, scope, found) => {
        const header = {
          format: PLAN_FORMAT,
          storeId,
          tableId,
          run,
          createdAt: context.clock.now(),
        } as const;
        writer = options.resumeFrom
          ? await PlanWriter.resume(path, run, found)
          : await PlanWriter.create(path, header);
        await options.onStart?.(run, scope, found);
      },
      onFinding: async (finding) => {
        findings.push(finding);
        await writer?.add(finding);
      },
      onSave: () => writer?.save(),
    });
    options.onReport?.(report);
  } finally {
    await writer?.[Symbol.asyncDispose]();
  }
  return findings;
}

export async function linesOf(path: string): Promise<PlanLine[]> {
  const lines: PlanLine[] = [];
  for await (const line of readPlan(path)) if (!isHeader(line)) lines.push(line);
  return lines;
}

/** Chooses every line, as a person would in an editor. */
export async function chooseAll(path: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replaceAll('"apply":false', '"apply":true'));
}

/** What was repaired, found done, left and failed. */
export async function apply(context: RecoveryContext, plan: string): Promise<ApplyReport['outcomes']> {
  return (await applyPlan(context, { plan })).outcomes;
}
