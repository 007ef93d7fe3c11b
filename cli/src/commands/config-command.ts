import { explainSettings, formatExplanation } from '@floecat/config';
import type { Command } from 'commander';

import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

export function configCommand(program: Command, context: CommandContext): void {
  program
    .command('config')
    .description('Show the properties in force, where each came from, and what is wrong with them')
    .action(() => {
      const explanation = explainSettings(context.input);
      const output = context.output;
      output.answer(explanation, () => output.line(formatExplanation(explanation).trimEnd()));
      if (explanation.problems.length > 0) context.exitCode = EXIT.usage;
    });
}
