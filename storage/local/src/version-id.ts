/**
 * Version ids of blobs: 16 digits that only grow (microseconds, from the store's clock or one more than the newest
 * version), twelve random hex digits that keep rivals apart, and the size of the payload, so that a listing needs no
 * more than names. `~` keeps them apart from names of segments.
 */
const VERSION_ID = /^(\d{16})~[0-9a-f]{12}~(\d{1,8})$/;
/** What a version marked as lost has beside it. */
const LOST_SUFFIX = '~lost';

export function nextVersionId(newest: string | undefined, nowMs: number, uuid: string, size: number): string {
  const after = newest === undefined ? 0 : Number(newest.slice(0, 16)) + 1;
  const tick = Math.max(Math.floor(nowMs) * 1000, after);
  return `${String(tick).padStart(16, '0')}~${uuid.slice(-12)}~${size}`;
}

export function isVersionId(name: string): boolean {
  return VERSION_ID.test(name);
}

/** When the version was made, epoch ms; a little later where the clock had run backwards. */
export function modifiedOf(versionId: string): number {
  return Math.floor(Number(versionId.slice(0, 16)) / 1000);
}

export function sizeOf(versionId: string): number {
  return Number(versionId.slice(versionId.lastIndexOf('~') + 1));
}

export function lostName(versionId: string): string {
  return versionId + LOST_SUFFIX;
}

/** The version that a marker of a lost version belongs to, or `undefined` for another name. */
export function lostVersionOf(name: string): string | undefined {
  if (!name.endsWith(LOST_SUFFIX)) return undefined;
  const versionId = name.slice(0, -LOST_SUFFIX.length);
  return isVersionId(versionId) ? versionId : undefined;
}
