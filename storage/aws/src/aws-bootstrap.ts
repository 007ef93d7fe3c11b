import type { StoreLayout } from '@floecat/storage-spi';

import type { AwsStorageConfig } from './aws-store.ts';
import { AwsStore } from './aws-store.ts';
import { openAwsStorage } from './open-aws-storage.ts';
import type { TableStep } from './dynamo/table-bootstrap.ts';
import type { BucketStep } from './s3/bucket-bootstrap.ts';

/** One thing that a bootstrap would do, or leaves to an operator. */
export type BootstrapStep =
  | ({ readonly target: 'bucket' } & BucketStep)
  | ({ readonly target: 'table' } & TableStep)
  | {
      readonly target: 'store';
      readonly action: 'create-store';
      readonly description: string;
      readonly safe: true;
    };

/** Prepares table and bucket for a store, and says how existing ones differ from the settings. */
export class AwsBootstrap {
  readonly #config: AwsStorageConfig;

  constructor(config: AwsStorageConfig) {
    this.#config = config;
  }

  /**
   * What would change, in the order in which it would; changes nothing. Throws `StorageMisconfiguredError` for a
   * table or bucket that this store cannot live in, or that are of different stores.
   */
  async plan(): Promise<readonly BootstrapStep[]> {
    await using store = new AwsStore(this.#config);
    const bucket = await store.bucket.plan();
    const table = await store.dynamo.bootstrap.plan();
    const steps: BootstrapStep[] = [
      ...bucket.map((step) => ({ target: 'bucket' as const, ...this.#allowed(step) })),
      ...table.map((step) => ({ target: 'table' as const, ...step })),
    ];
    const bucketExists = !bucket.some(({ action }) => action === 'create-bucket');
    // A bucket that is not there has no marker to compare with.
    const found = bucketExists ? await store.identity.find() : { layout: undefined, marker: undefined };
    if (bucketExists && found.layout) await store.identity.settle(false);
    if (!found.layout)
      steps.push({
        target: 'store',
        action: 'create-store',
        description: found.marker
          ? `finish store ${found.marker.storeId}, which the bucket names`
          : 'make a new store in table and bucket',
        safe: true,
      });
    return steps;
  }

  /** Does what is safe of `steps` and answers the rest, which costs money or time and is an operator's decision. */
  async apply(steps: readonly BootstrapStep[]): Promise<readonly BootstrapStep[]> {
    await using store = new AwsStore(this.#config);
    await store.bucket.apply(steps.filter((step) => step.target === 'bucket'));
    await store.dynamo.bootstrap.apply(steps.filter((step) => step.target === 'table'));
    const left = steps.filter(({ safe }) => !safe);
    const blocked = left.some(({ action }) => action === 'create-bucket');
    if (!blocked && steps.some(({ action }) => action === 'create-store')) {
      const { pointers } = this.#config;
      await using made = await openAwsStorage({
        ...this.#config,
        pointers: { ...pointers, autoCreate: true },
      });
      void made;
    }
    return left;
  }

  /**
   * Joins table and bucket, made first where they are missing; `undefined` where they belong together already. With
   * `onlyLost` not where another table has been joined to the bucket since.
   */
  async adopt(options: { readonly onlyLost?: boolean } = {}): Promise<StoreLayout | undefined> {
    await using store = new AwsStore(this.#config);
    await store.bucket.verify();
    const { bootstrap } = store.dynamo;
    await bootstrap.apply(await bootstrap.plan());
    return store.identity.adopt(this.#config.layout ?? {}, options.onlyLost);
  }

  /** The bucket is made only on request. */
  #allowed(step: BucketStep): BucketStep {
    if (step.action !== 'create-bucket' || this.#config.blobs.autoCreate) return step;
    return {
      ...step,
      description: `${step.description}; set floecat.blob.s3.auto-create=true, or make it yourself`,
      safe: false,
    };
  }
}
