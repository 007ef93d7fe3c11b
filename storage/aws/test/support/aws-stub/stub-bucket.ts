import { compareText } from './dynamo-json.ts';

/** One version of an object, or a delete marker, which has no bytes. */
export interface StoredObject {
  readonly versionId: string;
  readonly bytes?: Buffer;
  readonly etag: string;
  /** Epoch ms, whole seconds. */
  readonly modified: number;
  /** What GET and HEAD answer of it. */
  readonly headers: Readonly<Record<string, string>>;
  tags: readonly (readonly [key: string, value: string])[];
}

export interface Listed {
  readonly key: string;
  readonly version: StoredObject;
  readonly latest: boolean;
}

/** The objects of one bucket. */
export class StubBucket {
  versioned = false;
  readonly #objects = new Map<string, StoredObject[]>();
  #versions = 0;

  /** Newest first; empty where there is none. */
  versions(key: string): readonly StoredObject[] {
    return this.#objects.get(key) ?? [];
  }

  /** The newest version, unless it is a delete marker. */
  current(key: string): StoredObject | undefined {
    const [newest] = this.versions(key);
    return newest?.bytes ? newest : undefined;
  }

  nextVersionId(): string {
    return this.versioned ? `v${String(++this.#versions).padStart(9, '0')}` : 'null';
  }

  put(key: string, version: StoredObject): void {
    const older = this.versions(key).filter(({ versionId }) => versionId !== version.versionId);
    this.#objects.set(key, [version, ...older]);
  }

  remove(key: string, versionId: string): void {
    const left = this.versions(key).filter((version) => version.versionId !== versionId);
    if (left.length > 0) this.#objects.set(key, left);
    else this.#objects.delete(key);
  }

  /** Keys with that prefix, in the order of their UTF-8 bytes. */
  keys(prefix: string): string[] {
    return [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort(compareText);
  }
}
