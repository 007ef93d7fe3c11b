import type { RepositoryContext } from './repository-context.ts';

/** How often a change starts over because somebody else was first. */
export const DEFAULT_ATTEMPTS = 64;
const MAX_PAUSE_MS = 100;

/** Waits before the attempt after `attempt` (from 1). The second comes at once: most conflicts are of two. */
export async function pauseAfter(
  { clock, random }: RepositoryContext,
  attempt: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (attempt > 1) await clock.sleep(random.next() * Math.min(2 ** attempt, MAX_PAUSE_MS), signal);
}
