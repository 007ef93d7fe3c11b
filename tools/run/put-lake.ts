import { S3Client } from '@aws-sdk/client-s3';

import type { LocalstackSettings } from '../localstack/settings.ts';
import { uploadLake } from '../localstack/upload-lake.ts';

/** Puts the demonstration lake to `location`, unless it is there already. */
export async function putLake(settings: LocalstackSettings, location: string): Promise<void> {
  const { endpoint, region, accessKey, secretKey } = settings;
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  try {
    await uploadLake({ s3, location });
  } finally {
    s3.destroy();
  }
}
