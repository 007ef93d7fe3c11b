import type { Storage } from '@floecat/storage-spi';

import type { AwsStorageConfig } from './aws-store.ts';
import { AwsStore } from './aws-store.ts';
import type { TableStep } from './dynamo/table-bootstrap.ts';
import { openDynamoPointers } from './dynamo/open-dynamo-pointers.ts';
import type { BucketStep } from './s3/bucket-bootstrap.ts';
import { openS3BlobStore } from './s3/s3-blob-store.ts';

export interface AwsStorage extends Storage {
  /** How table and bucket differ from their settings, where they may be made; nothing of it was changed. */
  readonly drift: readonly (TableStep | BucketStep)[];
}

/**
 * Opens a store on AWS: checks that bucket and table are there and fit (or makes them, with `autoCreate`), that they
 * belong together, and that our clock agrees with the table's. Throws `StorageMisconfiguredError` where one of this
 * does not hold, `StorageAccessDeniedError` naming the action that is not allowed.
 */
export async function openAwsStorage(config: AwsStorageConfig): Promise<AwsStorage> {
  const store = new AwsStore(config);
  const { pointers: pointerConfig, blobs: blobConfig } = config;
  const autoCreate = pointerConfig.autoCreate ?? false;
  try {
    // The bucket first: a table made for one that is not there would have to be explained.
    const bucketDrift = blobConfig.autoCreate ? await store.bucket.ensure() : [];
    await store.bucket.verify();
    const newStore = await store.identity.settle(autoCreate);
    const { pointers, system, layout, drift } = await openDynamoPointers({
      ...store.pointersConfig,
      ...(newStore && { newStore }),
    });
    const blobs = await openS3BlobStore(store.blobsConfig(layout));
    const secrets = store.openSecrets(layout);
    const close = async (): Promise<void> => {
      await Promise.all([pointers.close(), system.close(), blobs.close(), secrets.close()]);
      await store.close();
    };
    return {
      pointers,
      system,
      blobs,
      secrets,
      layout,
      drift: [...bucketDrift, ...drift],
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
