import { shapeOfKey } from '@floecat/repository';

import type { RecoveryContext } from '../recovery-context.ts';
import { callOf } from '../recovery-context.ts';
import type { PointerSource } from '../walk/owner-evidence.ts';
import type { Root } from './root.ts';

/** Whether a name, or another row that is no owner's, bears the write id of a root: then its transaction was committed. */
export async function isProvenByRow(
  context: RecoveryContext,
  backup: PointerSource | undefined,
  { transaction: { writeId, effects } }: Root,
): Promise<boolean> {
  const call = callOf(context);
  const keys = effects
    .filter(({ key, version }) => version > 0 && shapeOfKey(key)?.is !== 'canonical')
    .map(({ key }) => key);
  const rows = keys.length > 0 ? await context.storage.pointers.getBatch(keys, call) : [];
  if (rows.some((row) => row?.writeId === writeId)) return true;
  if (!backup) return false;
  for (const key of keys) if ((await backup.pointer(key, call))?.writeId === writeId) return true;
  return false;
}
