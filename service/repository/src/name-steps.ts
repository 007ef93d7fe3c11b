import { ResourceNotFoundError } from './errors.ts';
import type { NameStep } from './name-path.ts';
import { dotted } from './names.ts';
import { catalogNameKey, namespacePathKey, relationNameKey, typeOfCollection } from './pointer-keys.ts';

export function catalogSteps(account: string, catalog: string): NameStep[] {
  return [
    {
      key: () => catalogNameKey(account, catalog),
      missing: () => new ResourceNotFoundError('catalog', catalog),
    },
  ];
}

export function namespaceSteps(account: string, catalog: string, levels: readonly string[]): NameStep[] {
  return [
    ...catalogSteps(account, catalog),
    {
      key: (catalogId) => namespacePathKey(account, catalogId, levels),
      missing: () => notInCatalog('namespace', levels, catalog),
    },
  ];
}

export function relationSteps(
  account: string,
  collection: 'tables' | 'views',
  catalog: string,
  levels: readonly string[],
  name: string,
): NameStep[] {
  return [
    ...namespaceSteps(account, catalog, levels),
    {
      key: (namespaceId) => relationNameKey(account, namespaceId, collection, name),
      missing: () => notInCatalog(typeOfCollection(collection), [...levels, name], catalog),
    },
  ];
}

function notInCatalog(
  type: ResourceNotFoundError['type'],
  path: readonly string[],
  catalog: string,
): ResourceNotFoundError {
  return new ResourceNotFoundError(type, dotted(path), `not in catalog ${catalog}`);
}
