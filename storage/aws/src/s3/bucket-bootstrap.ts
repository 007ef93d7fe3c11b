import type { Clock } from '@floecat/storage-spi';
import { StorageMisconfiguredError, StorageUnavailableError } from '@floecat/storage-spi';

import { missingTags } from '../tag-drift.ts';
import type { Wire } from '../wire/index.ts';
import type { Unavailable } from './bucket-admin.ts';
import { BucketAdmin, UNAVAILABLE } from './bucket-admin.ts';
import type { BucketState, BucketStep } from './bucket-drift.ts';
import { bucketDrift, CLOSED, createBucketInput, encryptionRule, NEW_BUCKET } from './bucket-drift.ts';
import { ownRules, whyUnfit, withRule } from './bucket-lifecycle.ts';
import type { BucketSettings } from './bucket-settings.ts';
import { BUCKET_WAIT, bucketSettings } from './bucket-settings.ts';
import type { S3AdminService } from './s3-admin-service.ts';
import type { S3BlobSettings } from './s3-settings.ts';

export type { BucketStep } from './bucket-drift.ts';

export interface BucketBootstrapConfig {
  readonly s3: S3AdminService;
  readonly wire: Wire;
  readonly clock: Clock;
  /** Which bucket, and which part of it. */
  readonly objects: S3BlobSettings;
  /** Default {@link DEFAULT_BUCKET}. */
  readonly settings?: Partial<BucketSettings>;
}

/** Makes the bucket and says how an existing one differs. Many processes may do so at once. */
export class BucketBootstrap {
  readonly #admin: BucketAdmin;
  readonly #clock: Clock;
  readonly #keyPrefix: string;
  readonly #settings: BucketSettings;

  /** Throws `InvalidArgumentError` for settings that cannot work. Makes no request. */
  constructor({ s3, wire, clock, objects, settings = {} }: BucketBootstrapConfig) {
    this.#settings = bucketSettings(objects, settings);
    this.#admin = new BucketAdmin({ s3, wire, bucket: objects.bucket });
    this.#clock = clock;
    this.#keyPrefix = objects.keyPrefix ?? '';
  }

  /**
   * What would change, in the order in which it would; changes nothing. Throws `StorageMisconfiguredError` for a
   * bucket that this store cannot live in.
   */
  async plan(): Promise<readonly BucketStep[]> {
    const { region = 'the region of the client' } = this.#settings;
    if (await this.#exists()) return this.#drift();
    const description = `bucket ${this.#admin.name} does not exist, would be made in ${region}`;
    return [
      { action: 'create-bucket', description, safe: true },
      ...bucketDrift(NEW_BUCKET, this.#settings, this.#keyPrefix),
    ];
  }

  /** Does the safe steps of a plan and answers the others. Without a bucket, which it may not make, it does none. */
  async apply(steps: readonly BucketStep[]): Promise<readonly BucketStep[]> {
    if (steps.some(({ action, safe }) => action === 'create-bucket' && !safe)) return steps;
    for (const { action } of steps.filter(({ safe }) => safe)) await this.#do(action);
    return steps.filter(({ safe }) => !safe);
  }

  /**
   * What a start with auto-create does: makes the bucket if it is missing, and finishes one that another process began
   * to make. Answers what else differs from the settings, which it leaves alone.
   */
  async ensure(): Promise<readonly BucketStep[]> {
    const steps = await this.plan();
    if (steps.length === 0) return steps;
    const isNew = steps[0]?.action === 'create-bucket' || (await this.#admin.isEmpty(this.#keyPrefix));
    return isNew ? this.apply(steps) : steps;
  }

  /**
   * What every start does: refuses a bucket that is missing, in another region, without versioning, with a second
   * factor for deletes, or with rules that take away blobs that are alive. Throws `StorageMisconfiguredError` with the
   * reason, `StorageAccessDeniedError` where it may not look.
   */
  async verify(): Promise<void> {
    if (!(await this.#exists()))
      throw this.#unfit(
        'does not exist in this account and region; make it yourself, or set floecat.blob.s3.auto-create=true for floecat bootstrap or the next start',
      );
    const { versioning } = await this.#checked();
    if (versioning !== UNAVAILABLE && versioning.state !== 'on')
      throw this.#unfit(
        'has no versioning, without which nothing that is deleted by mistake could be brought back; switch it on, with floecat bootstrap if the bucket is empty',
      );
  }

  /** Whether it is there; refuses one in another region than the configured. */
  async #exists(): Promise<boolean> {
    const found = await this.#admin.region();
    const { region = found } = this.#settings;
    if (found !== undefined && found !== region)
      throw this.#unfit(
        `is in ${found}, not in ${region}; correct floecat.fileio.override.s3.region, or use another bucket`,
      );
    return found !== undefined;
  }

  /** What decides whether this store can live in the bucket. Throws where it cannot. */
  async #checked(): Promise<Pick<BucketState, 'versioning' | 'lifecycle'>> {
    const [versioning, lifecycle] = await Promise.all([this.#admin.versioning(), this.#admin.lifecycle()]);
    if (versioning !== UNAVAILABLE) {
      if (versioning.state === 'suspended')
        throw this.#unfit('has its versioning suspended; switch it on again, or use another bucket');
      if (versioning.mfaDelete)
        throw this.#unfit(
          'asks for a second factor when a version is deleted (MFA delete), which no collector has; switch that off, or use another bucket',
        );
    }
    const why = lifecycle === UNAVAILABLE ? undefined : whyUnfit(lifecycle.rules, this.#keyPrefix);
    if (why !== undefined) throw this.#unfit(`does not fit: ${why}; remove the rule, or use another bucket`);
    return { versioning, lifecycle };
  }

  async #drift(): Promise<readonly BucketStep[]> {
    const { blockPublicAccess, tags } = this.#settings;
    // So that whoever has none needs no leave to look.
    const unasked: Unavailable = UNAVAILABLE;
    const [checked, encryption, publicAccess, tagged] = await Promise.all([
      this.#checked(),
      this.#admin.encryption(),
      blockPublicAccess ? this.#admin.publicAccess() : unasked,
      Object.keys(tags).length > 0 ? this.#admin.tags() : unasked,
    ]);
    const state: BucketState = {
      ...checked,
      encryption,
      publicAccess,
      tags: tagged,
      isEmpty: true,
      isEmptyBelow: true,
    };
    const steps = bucketDrift(state, this.#settings, this.#keyPrefix);
    if (steps.length === 0) return steps;
    const isEmpty = await this.#admin.isEmpty('');
    const isEmptyBelow = isEmpty || (this.#keyPrefix !== '' && (await this.#admin.isEmpty(this.#keyPrefix)));
    return bucketDrift({ ...state, isEmpty, isEmptyBelow }, this.#settings, this.#keyPrefix);
  }

  async #do(action: BucketStep['action']): Promise<void> {
    const own = ownRules(this.#keyPrefix, this.#settings);
    if (action === 'create-bucket')
      await this.#admin.create(createBucketInput(this.#admin.name, this.#settings));
    else if (action === 'enable-versioning') await this.#enableVersioning();
    else if (action === 'encrypt') await this.#admin.encrypt(encryptionRule(this.#settings.encryption));
    else if (action === 'block-public-access') await this.#admin.blockPublicAccess(CLOSED);
    else if (action === 'expire-versions') await this.#putRule(own.versions);
    else if (action === 'abort-uploads') await this.#putRule(own.uploads);
    else if (action === 'add-tags') await this.#addTags();
  }

  /** S3 may answer a setting as it was for a while after it was changed. */
  async #enableVersioning(): Promise<void> {
    await this.#admin.enableVersioning();
    const started = this.#clock.monotonic();
    for (;;) {
      const versioning = await this.#admin.versioning();
      if (versioning === UNAVAILABLE || versioning.state === 'on') return;
      if (this.#clock.monotonic() - started > BUCKET_WAIT.limitMs)
        throw new StorageUnavailableError(
          `open: versioning of bucket ${this.#admin.name} was switched on, but S3 does not answer so after ${BUCKET_WAIT.limitMs} ms; try again later`,
          { operation: 'open' },
        );
      await this.#clock.sleep(BUCKET_WAIT.pauseMs);
    }
  }

  async #putRule(rule: Parameters<typeof withRule>[1]): Promise<void> {
    const lifecycle = await this.#admin.lifecycle();
    if (lifecycle === UNAVAILABLE) return;
    await this.#admin.putLifecycle({ ...lifecycle, rules: withRule(lifecycle.rules, rule) });
  }

  async #addTags(): Promise<void> {
    const found = await this.#admin.tags();
    if (found === UNAVAILABLE) return;
    await this.#admin.putTags({ ...found, ...missingTags(found, this.#settings.tags) });
  }

  #unfit(why: string): StorageMisconfiguredError {
    return new StorageMisconfiguredError(`open: bucket ${this.#admin.name} ${why}`, { operation: 'open' });
  }
}
