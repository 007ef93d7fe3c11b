import type { CallOptions } from '@floecat/storage-spi';

import type { CommandContext } from './command-context.ts';

/** Prints how many there are of something: the number for people, `{ "count": … }` as JSON. */
export async function printCount(
  { io, output }: CommandContext,
  count: (call: CallOptions) => Promise<number>,
): Promise<void> {
  const number = await count({ signal: io.signal });
  output.answer({ count: number }, () => output.line(String(number)));
}
