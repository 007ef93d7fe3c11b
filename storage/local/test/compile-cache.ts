import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Tests run from source, and each store has a thread that loads it: with this, threads and child processes that
 * start later need not strip the types again.
 */
export function shareCompiledCode(): void {
  process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'floecat-compile-cache');
}
