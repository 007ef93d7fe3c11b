// Puts the demonstration lake into a bucket of the emulator: `upload-lake.ts s3://bucket/place`. The catalog registers
// it from there with floecat.seed.location and floecat.upstream.s3.locations. A finished one is left as it is.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

import { CreateBucketCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { MARKER_NAME, writeDemoLake } from '@floecat/catalog';
import { mapBounded, systemClock } from '@floecat/storage-spi';

import { readSettings } from './settings.ts';

const UPLOADS = 8;

/** Where a lake is to be, and how its bucket is reached. */
export interface LakeUpload {
  readonly s3: S3Client;
  /** `s3://bucket/place`; the bucket is made if it is missing. */
  readonly location: string;
}

/** Answers how many files were put; 0 where the lake is there already. The marker is put last: with it, all is there. */
export async function uploadLake({ s3, location }: LakeUpload): Promise<number> {
  const [, bucket, path] = /^s3:\/\/([^/]+)\/(.*[^/])\/*$/.exec(location) ?? [];
  if (bucket === undefined || path === undefined)
    throw new Error(`${location} is no place for a lake: give s3://bucket/place`);
  await makeBucket(s3, bucket);
  if (await exists(s3, bucket, `${path}/${MARKER_NAME}`)) return 0;
  const folder = await mkdtemp(join(tmpdir(), 'floecat-lake-'));
  try {
    await writeDemoLake({ folder, baseLocation: `s3://${bucket}/${path}`, clock: systemClock });
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const names = entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
    const put = async (name: string): Promise<void> => {
      const Body = await readFile(join(folder, name));
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `${path}/${name}`, Body }));
    };
    const files = names.filter((name) => name !== MARKER_NAME);
    await mapBounded(files, UPLOADS, put);
    await put(MARKER_NAME);
    return files.length + 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeBucket(s3: S3Client, bucket: string): Promise<void> {
  const region = await s3.config.region();
  const LocationConstraint = region as 'eu-west-1';
  try {
    await s3.send(
      new CreateBucketCommand({
        Bucket: bucket,
        ...(region !== 'us-east-1' && { CreateBucketConfiguration: { LocationConstraint } }),
      }),
    );
  } catch (error) {
    if ((error as Error).name !== 'BucketAlreadyOwnedByYou') throw error;
  }
}

async function exists(s3: S3Client, bucket: string, key: string): Promise<boolean> {
  try {
    await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    return true;
  } catch (error) {
    if ((error as Error).name !== 'NotFound') throw error;
    return false;
  }
}

async function main(location: string | undefined): Promise<void> {
  const { endpoint, region, accessKey, secretKey } = readSettings(process.env);
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  try {
    const files = await uploadLake({ s3, location: location ?? '' });
    const told = files === 0 ? 'is there already' : `has ${files} files`;
    process.stdout.write(`the demonstration lake at ${location} on ${endpoint} ${told}\n`);
  } catch (error) {
    process.stderr.write(`upload-lake: ${(error as Error).message}\n`);
    process.exitCode = 1;
  } finally {
    s3.destroy();
  }
}

if (import.meta.main) await main(process.argv[2]);
