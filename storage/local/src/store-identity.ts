import type { LayoutSettings, StoreLayout } from '@floecat/storage-spi';
import { STORAGE_FORMAT, StorageMisconfiguredError } from '@floecat/storage-spi';

import type { StoreMarker } from './store-marker.ts';
import { newerFormat } from './store-marker.ts';

/** Refuses a table that is of a newer format, of another store than the blobs, or laid out otherwise than configured. */
export function checkIdentity(
  layout: StoreLayout,
  marker: StoreMarker,
  configured: Partial<LayoutSettings>,
  dataDir: string,
): void {
  if (layout.format > STORAGE_FORMAT) throw newerFormat(`the pointer table in ${dataDir}`, layout.format);
  const strange = (['storeId', 'tableId', 'epoch'] as const).filter((name) => layout[name] !== marker[name]);
  if (strange.length > 0)
    throw refused(
      `the pointers and the blobs in ${dataDir} do not belong together: ${strange
        .map((name) => `${name} is ${layout[name]} in the pointer table and ${marker[name]} beside the blobs`)
        .join(', ')}. Bring back the folder that belongs to the other, or run floecat restore`,
    );
  const different = Object.entries(configured).filter(
    ([name, value]) => value !== undefined && layout[name as keyof LayoutSettings] !== value,
  );
  if (different.length > 0)
    throw refused(
      `the store in ${dataDir} was made with other settings: ${different
        .map(
          ([name, value]) =>
            `${name} is ${layout[name as keyof LayoutSettings]} there and ${value} in the configuration`,
        )
        .join(', ')}. Configure what the store was made with`,
    );
}

export function refused(message: string): StorageMisconfiguredError {
  return new StorageMisconfiguredError(`open: ${message}`, { operation: 'open' });
}
