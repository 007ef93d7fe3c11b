import type { RepairOutcome } from '@floecat/recovery';
import { applyPlan } from '@floecat/recovery';
import type { Storage } from '@floecat/storage-spi';

import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { printable } from '../output.ts';
import { recoveryContext } from '../recovery-context.ts';

/** Applies the plan at `path`, and tells line by line what became of it. */
export async function repairWith(context: CommandContext, storage: Storage, path: string): Promise<void> {
  const { output } = context;
  const outcomes: RepairOutcome[] = [];
  const report = await applyPlan(recoveryContext(context, storage), {
    plan: path,
    onOutcome: (outcome) => {
      if (output.json) outcomes.push(outcome);
      else {
        output.progress('');
        const { line, do: what, outcome: end, because } = outcome;
        const why = because === undefined ? '' : `: ${because}`;
        output.line(printable(`line ${line} ${what} ${outcome.what}: ${end}${why}`));
      }
    },
  });
  output.progress('');
  const { repaired, already, changed, failed } = report.outcomes;
  output.answer({ outcomes, report }, () => {
    output.fields([
      ['repaired', repaired],
      ['whole already', already],
      ['changed since', changed],
      ['failed', failed],
      ['not chosen', report.notChosen],
      ['without a repair', report.withoutRepair],
      ['record', report.record],
    ]);
    output.line('floecat verify tells what is left');
  });
  if (changed + failed + report.notChosen + report.withoutRepair > 0) context.exitCode = EXIT.amiss;
}
