import type {
  BucketLocationConstraint,
  CreateBucketCommandInput,
  ServerSideEncryptionRule,
} from '@aws-sdk/client-s3';

import type { Lifecycle, PublicAccess, Unavailable, Versioning } from './bucket-admin.ts';
import { UNAVAILABLE } from './bucket-admin.ts';
import type { RuleDays } from './bucket-lifecycle.ts';
import { daysOf, hastyRules, nameOf, uploadDays, versionDays } from './bucket-lifecycle.ts';
import type { BucketSettings } from './bucket-settings.ts';
import { ruleIds } from './bucket-settings.ts';
import type { S3Encryption } from './s3-settings.ts';
import { sameKey } from '../iam/kms-key.ts';
import { tagDrift } from '../tag-drift.ts';

/** One thing about the bucket that is not as configured. */
export interface BucketStep {
  readonly action:
    | 'create-bucket'
    | 'enable-versioning'
    | 'encrypt'
    | 'block-public-access'
    | 'expire-versions'
    | 'abort-uploads'
    | 'add-tags'
    | 'change-tags';
  /** For people: what is, and what would be. */
  readonly description: string;
  /** Whether `apply` does it. The others change what becomes of data that is there, and are an operator's decision. */
  readonly safe: boolean;
}

/** How a bucket is. What nobody asked for was not looked at. */
export interface BucketState {
  readonly versioning: Versioning | Unavailable;
  readonly encryption: ServerSideEncryptionRule | undefined | Unavailable;
  readonly publicAccess: PublicAccess | undefined | Unavailable;
  readonly lifecycle: Lifecycle | Unavailable;
  readonly tags: Readonly<Record<string, string>> | Unavailable;
  /** Whether there is no object that a change could matter to. */
  readonly isEmpty: boolean;
  /** As `isEmpty`, below the key prefix. */
  readonly isEmptyBelow: boolean;
}

/** A bucket as S3 makes one. */
export const NEW_BUCKET: BucketState = {
  versioning: { state: 'off', mfaDelete: false },
  encryption: undefined,
  publicAccess: undefined,
  lifecycle: { rules: [], minimumSize: undefined },
  tags: {},
  isEmpty: true,
  isEmptyBelow: true,
};

export const CLOSED: PublicAccess = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

export function createBucketInput(
  bucket: string,
  { region }: Pick<BucketSettings, 'region'>,
): CreateBucketCommandInput {
  // The oldest region has no name of its own here.
  if (region === undefined || region === 'us-east-1') return { Bucket: bucket };
  const LocationConstraint = region as BucketLocationConstraint;
  return { Bucket: bucket, CreateBucketConfiguration: { LocationConstraint } };
}

export function encryptionRule(encryption: S3Encryption): ServerSideEncryptionRule {
  const { algorithm } = encryption;
  const keyId = 'keyId' in encryption ? encryption.keyId : undefined;
  const bucketKey = 'bucketKey' in encryption ? encryption.bucketKey : undefined;
  return {
    ApplyServerSideEncryptionByDefault: {
      SSEAlgorithm: algorithm,
      ...(keyId !== undefined && { KMSMasterKeyID: keyId }),
    },
    ...(bucketKey !== undefined && { BucketKeyEnabled: bucketKey }),
  };
}

/** How a bucket differs from the settings, in the order in which it would be changed. */
export function bucketDrift(state: BucketState, settings: BucketSettings, keyPrefix: string): BucketStep[] {
  return [
    ...versioningDrift(state),
    ...encryptionDrift(state, settings),
    ...publicAccessDrift(state, settings),
    ...lifecycleDrift(state, settings, keyPrefix),
    ...(state.tags === UNAVAILABLE ? [] : tagDrift(state.tags, settings.tags)),
  ];
}

function versioningDrift({ versioning, isEmpty }: BucketState): BucketStep[] {
  if (versioning === UNAVAILABLE || versioning.state === 'on') return [];
  const cost = isEmpty ? '' : '; versions of the objects that are there would be kept from then on';
  return [
    step('enable-versioning', `versioning is ${versioning.state}, would be switched on${cost}`, isEmpty),
  ];
}

function encryptionDrift({ encryption, isEmpty }: BucketState, settings: BucketSettings): BucketStep[] {
  if (encryption === UNAVAILABLE) return [];
  const wanted = encryptionRule(settings.encryption);
  const found = encryption ?? encryptionRule({ algorithm: 'AES256' });
  if (sameEncryption(found, wanted)) return [];
  return [step('encrypt', `new objects get ${shownRule(found)}, would get ${shownRule(wanted)}`, isEmpty)];
}

function sameEncryption(found: ServerSideEncryptionRule, wanted: ServerSideEncryptionRule): boolean {
  const [is, be] = [found, wanted].map((rule) => rule.ApplyServerSideEncryptionByDefault);
  if (is?.SSEAlgorithm !== be?.SSEAlgorithm) return false;
  if (be?.KMSMasterKeyID !== undefined && !sameKey(is?.KMSMasterKeyID, be.KMSMasterKeyID)) return false;
  const { BucketKeyEnabled: bucketKey } = wanted;
  return bucketKey === undefined || bucketKey === (found.BucketKeyEnabled ?? false);
}

function shownRule(rule: ServerSideEncryptionRule): string {
  const { SSEAlgorithm, KMSMasterKeyID } = rule.ApplyServerSideEncryptionByDefault ?? {};
  const key = KMSMasterKeyID === undefined ? '' : ` with key ${KMSMasterKeyID}`;
  const bucketKey = rule.BucketKeyEnabled === true ? ' and a bucket key' : '';
  return `${SSEAlgorithm}${key}${bucketKey}`;
}

function publicAccessDrift(
  { publicAccess, isEmpty }: BucketState,
  { blockPublicAccess }: BucketSettings,
): BucketStep[] {
  if (!blockPublicAccess || publicAccess === UNAVAILABLE) return [];
  const open = Object.keys(CLOSED).filter((key) => publicAccess?.[key as keyof PublicAccess] !== true);
  if (open.length === 0) return [];
  const cost = isEmpty ? '' : '; whoever reads objects of this bucket in public could not any more';
  return [step('block-public-access', `${open.join(', ')} off, would be on${cost}`, isEmpty)];
}

function lifecycleDrift(
  { lifecycle, isEmptyBelow }: BucketState,
  { noncurrentDays, unfinishedUploadDays }: BucketSettings,
  keyPrefix: string,
): BucketStep[] {
  if (lifecycle === UNAVAILABLE) return [];
  const { rules } = lifecycle;
  const ids = ruleIds(keyPrefix);
  const below = keyPrefix === '' ? '' : ` below ${keyPrefix}`;
  const steps: BucketStep[] = [];
  const versions = daysOf(rules, keyPrefix, ids.versions, versionDays);
  if (versions.own !== noncurrentDays && !versions.others.includes(noncurrentDays)) {
    // What is removed cannot be brought back, so only a rule that removes later may be put unasked.
    const later = versions.own !== undefined && versions.own < noncurrentDays;
    const is = shownDays(versions);
    steps.push(
      step(
        'expire-versions',
        `deleted and replaced versions${below} are ${is}, would be removed after ${noncurrentDays} days`,
        isEmptyBelow || later,
      ),
    );
  }
  for (const rule of hastyRules(rules, keyPrefix, noncurrentDays)) {
    const days = rule.NoncurrentVersionExpiration?.NoncurrentDays;
    const description = `the lifecycle rule ${nameOf(rule)} removes deleted and replaced versions after ${days} days, configured is ${noncurrentDays}; change it, or floecat.blob.s3.noncurrent-days`;
    steps.push(step('expire-versions', description, false));
  }
  const uploads = daysOf(rules, keyPrefix, ids.uploads, uploadDays);
  const inTime = uploads.own === undefined && uploads.others.some((days) => days <= unfinishedUploadDays);
  if (uploads.own !== unfinishedUploadDays && !inTime) {
    const is = shownDays(uploads);
    const description = `unfinished uploads${below} are ${is}, would be removed after ${unfinishedUploadDays} days`;
    steps.push(step('abort-uploads', description, true));
  }
  return steps;
}

function shownDays({ own, others }: RuleDays): string {
  const all = [...others, ...(own === undefined ? [] : [own])];
  return all.length === 0 ? 'never removed' : `removed after ${Math.min(...all)} days`;
}

function step(action: BucketStep['action'], description: string, safe: boolean): BucketStep {
  return { action, description, safe };
}
