/** Tags of one object. S3 allows ten; one is kept for the mark of a lost blob. */
export const MAX_BLOB_TAGS = 9;
const MAX_TAG_KEY = 128;
const MAX_TAG_VALUE = 256;
const LEGAL = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Refuses what S3 would refuse. */
export function checkTags(tags: Readonly<Record<string, string>>, refuse: (why: string) => never): void {
  const entries = Object.entries(tags);
  if (entries.length > MAX_BLOB_TAGS) refuse(`${entries.length} tags; the limit is ${MAX_BLOB_TAGS}`);
  for (const [key, value] of entries) {
    if (key === '' || key.length > MAX_TAG_KEY || !LEGAL.test(key))
      refuse(
        `the tag key ${JSON.stringify(key)} is empty, over ${MAX_TAG_KEY} characters or has ones that S3 forbids`,
      );
    if (typeof value !== 'string' || value.length > MAX_TAG_VALUE || !LEGAL.test(value))
      refuse(`the tag ${key} has a value over ${MAX_TAG_VALUE} characters, or with ones that S3 forbids`);
  }
}

/** As the header of a put wants them; `undefined` where there are none. */
export function tagHeader(tags: Readonly<Record<string, string>>): string | undefined {
  const pairs = Object.entries(tags).map(
    ([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`,
  );
  return pairs.length > 0 ? pairs.join('&') : undefined;
}

interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

export function tagsOf(tagSet: readonly Tag[] | undefined): Readonly<Record<string, string>> {
  return Object.freeze(Object.fromEntries((tagSet ?? []).map(({ Key = '', Value = '' }) => [Key, Value])));
}

export function tagSetOf(tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
