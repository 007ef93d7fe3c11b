import type { CasCounts } from './cas-state.ts';
import type { GcSettings } from './settings.ts';

/** No owner at all, but blobs: the pointers of another store, or lost ones. */
export function isEmptyMark({ owners, versions }: CasCounts): boolean {
  return owners === 0 && versions > 0;
}

/** Why a finished mark must not take effect, if it must not. */
export function refusalToCondemn(
  counts: CasCounts,
  { maxDeleteRatio }: GcSettings,
  wasEnded: boolean,
): string | undefined {
  const { versions, newlyOwnerless } = counts;
  if (isEmptyMark(counts))
    return wasEnded
      ? undefined
      : `there are ${versions} blob versions and no pointer leads to any of them; is this the right table? Bring the pointers back with floecat restore or floecat rebuild`;
  if (newlyOwnerless <= versions * maxDeleteRatio) return undefined;
  return `${newlyOwnerless} of ${versions} blob versions have lost their owner since the last pass, more than floecat.gc.max-delete-ratio (${maxDeleteRatio}) allows; nothing was condemned. If they were dropped on purpose, run floecat gc run once with a higher ratio; else bring their pointers back`;
}

/** Why what is due must not be deleted, if it must not. */
export function refusalToDelete(
  { versions, due }: CasCounts,
  { maxDeleteRatio }: GcSettings,
  isEnded: boolean,
): string | undefined {
  if (isEnded || due <= versions * maxDeleteRatio) return undefined;
  return `${due} of ${versions} blob versions are due, more than floecat.gc.max-delete-ratio (${maxDeleteRatio}) allows; nothing was deleted. If that is right, run floecat gc run once with a higher ratio`;
}
