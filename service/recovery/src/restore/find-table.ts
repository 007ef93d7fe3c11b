import { catalogNameKey, namespacePathKey, relationNameKey } from '@floecat/repository';

import type { RecoveryContext } from '../recovery-context.ts';
import { callOf } from '../recovery-context.ts';
import type { PointerSource } from '../walk/owner-evidence.ts';

/** The id of a table by its name in a backup, or else in the table as it is; `undefined` where neither has it. */
export async function findTable(
  context: RecoveryContext,
  where: {
    readonly account: string;
    readonly catalog: string;
    readonly namespace: readonly string[];
    readonly name: string;
    readonly backup?: PointerSource;
  },
): Promise<string | undefined> {
  const { account, catalog, namespace, name, backup } = where;
  const call = callOf(context);
  const idAt = async (key: string): Promise<string | undefined> => {
    const row = (await backup?.pointer(key, call)) ?? (await context.storage.pointers.get(key, call));
    return row?.kind === 'value' ? row.value : undefined;
  };
  const catalogId = await idAt(catalogNameKey(account, catalog));
  if (catalogId === undefined) return undefined;
  const namespaceId = await idAt(namespacePathKey(account, catalogId, namespace));
  if (namespaceId === undefined) return undefined;
  return idAt(relationNameKey(account, namespaceId, 'tables', name));
}
