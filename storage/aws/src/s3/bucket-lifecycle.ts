import type { LifecycleRule } from '@aws-sdk/client-s3';

import type { BucketSettings } from './bucket-settings.ts';
import { ruleIds } from './bucket-settings.ts';

/** The rules that this store wants, by their id. */
export interface OwnRules {
  readonly versions: LifecycleRule & { readonly ID: string };
  readonly uploads: LifecycleRule & { readonly ID: string };
}

/** Objects in these cannot be read before somebody restores them. */
const ARCHIVES = new Set(['DEEP_ARCHIVE', 'GLACIER']);

export function ownRules(
  keyPrefix: string,
  { noncurrentDays, unfinishedUploadDays }: Pick<BucketSettings, 'noncurrentDays' | 'unfinishedUploadDays'>,
): OwnRules {
  const ids = ruleIds(keyPrefix);
  const common = { Status: 'Enabled', Filter: { Prefix: keyPrefix } } as const;
  return {
    versions: {
      ID: ids.versions,
      ...common,
      NoncurrentVersionExpiration: { NoncurrentDays: noncurrentDays },
    },
    uploads: {
      ID: ids.uploads,
      ...common,
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: unfinishedUploadDays },
    },
  };
}

/** `rules` with `own` in the place of the one of its id, or at the end. All others stay as they are. */
export function withRule(rules: readonly LifecycleRule[], own: LifecycleRule): readonly LifecycleRule[] {
  return [...rules.filter(({ ID }) => ID !== own.ID), own];
}

/** After how many days something happens to everything below a key prefix, by the rules that are on. */
export interface RuleDays {
  /** By the rule that this store put. */
  readonly own: number | undefined;
  /** By rules of others. */
  readonly others: readonly number[];
}

export function daysOf(
  rules: readonly LifecycleRule[],
  keyPrefix: string,
  ownId: string,
  days: (rule: LifecycleRule) => number | undefined,
): RuleDays {
  const all = rules
    .filter((rule) => isOn(rule) && coversAll(rule, keyPrefix))
    .map((rule) => ({ own: rule.ID === ownId, days: days(rule) }));
  const others = all.filter(({ own }) => !own).map((each) => each.days);
  return {
    own: all.find(({ own }) => own)?.days,
    others: others.filter((each) => each !== undefined),
  };
}

export function versionDays({ NoncurrentVersionExpiration: rule }: LifecycleRule): number | undefined {
  // One that keeps the newest versions does not remove all.
  return rule?.NewerNoncurrentVersions ? undefined : rule?.NoncurrentDays;
}

export function uploadDays({ AbortIncompleteMultipartUpload: rule }: LifecycleRule): number | undefined {
  return rule?.DaysAfterInitiation;
}

/** Rules of others that remove versions below `keyPrefix` before `days` have passed. */
export function hastyRules(
  rules: readonly LifecycleRule[],
  keyPrefix: string,
  days: number,
): readonly LifecycleRule[] {
  const own = ruleIds(keyPrefix).versions;
  return rules.filter(
    (rule) =>
      rule.ID !== own &&
      isOn(rule) &&
      mayTouch(rule, keyPrefix) &&
      (rule.NoncurrentVersionExpiration?.NoncurrentDays ?? Infinity) < days,
  );
}

/** Why this store cannot live in a bucket with these rules; `undefined` where it can. */
export function whyUnfit(rules: readonly LifecycleRule[], keyPrefix: string): string | undefined {
  for (const rule of rules) {
    if (!isOn(rule) || !mayTouch(rule, keyPrefix)) continue;
    const { Expiration: expiration } = rule;
    if (expiration?.Days !== undefined || expiration?.Date !== undefined)
      return `its lifecycle rule ${nameOf(rule)} expires current objects, and with them blobs that are alive`;
    const archive = rule.Transitions?.find(({ StorageClass }) => ARCHIVES.has(StorageClass ?? ''));
    if (archive)
      return `its lifecycle rule ${nameOf(rule)} archives current objects to ${archive.StorageClass}, where they cannot be read`;
  }
  return undefined;
}

export function nameOf({ ID }: LifecycleRule): string {
  return ID ? JSON.stringify(ID) : 'without an id';
}

function isOn({ Status }: LifecycleRule): boolean {
  return Status === 'Enabled';
}

/** Whether the rule may reach anything below `keyPrefix`. Tags and sizes are no protection: they may change. */
function mayTouch(rule: LifecycleRule, keyPrefix: string): boolean {
  const prefix = prefixOf(rule);
  return prefix.startsWith(keyPrefix) || keyPrefix.startsWith(prefix);
}

/** Whether the rule reaches all of what is below `keyPrefix`. */
function coversAll(rule: LifecycleRule, keyPrefix: string): boolean {
  const { Filter: filter } = rule;
  const narrowed =
    filter?.And ?? filter?.Tag ?? filter?.ObjectSizeGreaterThan ?? filter?.ObjectSizeLessThan ?? undefined;
  return narrowed === undefined && keyPrefix.startsWith(prefixOf(rule));
}

function prefixOf({ Filter: filter, ...rule }: LifecycleRule): string {
  // Rules of the oldest kind have no filter.
  return filter?.Prefix ?? filter?.And?.Prefix ?? rule.Prefix ?? '';
}
