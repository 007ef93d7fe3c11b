/**
 * What keeps the collectors from deleting what is needed. Each layer alone can be taken out by a test, to show that it
 * is needed; the package's entry offers no way to.
 */
export type SafetyLayer =
  /** A blob is left alone until it is older than the grace. */
  | 'grace'
  /** A condemned blob is kept for the retention. */
  | 'retention'
  /** The owner is read again right before its blobs are deleted. */
  | 'rewalk'
  /** A delete names the version that was condemned. */
  | 'version-in-delete'
  /** A page that cannot be read, or a root, ends the pass. */
  | 'abort-on-failed-page'
  /** What was referenced in any pass since it was condemned is condemned anew. */
  | 'unreferenced-since'
  /** An owner that the walk did not find is looked up by its key. */
  | 'confirm-absence';

export type Safety = Readonly<Record<SafetyLayer, boolean>>;

export const FULL_SAFETY: Safety = Object.freeze({
  grace: true,
  retention: true,
  rewalk: true,
  'version-in-delete': true,
  'abort-on-failed-page': true,
  'unreferenced-since': true,
  'confirm-absence': true,
});
