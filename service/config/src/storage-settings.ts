import { DEFAULT_LAYOUT } from '@floecat/storage-spi';
import type { LayoutSettings } from '@floecat/storage-spi';

import type { CheckedValues } from './check-values.ts';
import type { ConfigProblem } from './errors.ts';
import { describeOrigin } from './origin.ts';
import type { ValuesOf } from './property.ts';
import type { SCHEMA } from './schema.ts';

type Values = ValuesOf<typeof SCHEMA>;

/** Where pointers are kept. */
export type KvSettings =
  | { readonly backend: 'memory' }
  | {
      readonly backend: 'local';
      /** Absolute. */
      readonly dataDir: string;
      /** Whether a write waits for the disk before it is acknowledged. */
      readonly flush: boolean;
    };

/** Where blobs are kept; always in the same backend as the pointers. */
export type BlobSettings =
  | { readonly backend: 'memory' }
  | { readonly backend: 'local'; readonly dataDir: string };

/** Where secrets are kept. */
export type SecretsSettings =
  | { readonly backend: 'memory' }
  | { readonly backend: 'local'; readonly dataDir: string };

/** What a store is opened from. */
export interface StorageSettings {
  readonly kv: KvSettings;
  readonly blob: BlobSettings;
  readonly secrets: SecretsSettings;
  readonly layout: LayoutSettings;
}

/** Combinations of backends that no single property can refuse. */
export function storageProblems({ draft, effective }: CheckedValues<typeof SCHEMA>): ConfigProblem[] {
  const { kv, blob, secrets } = draft.storage;
  const problems: ConfigProblem[] = [];
  const refuse = (name: string, message: string): void => {
    const { shown, origin } = effective.get(name) ?? {};
    problems.push({ name, ...(shown !== undefined && { value: shown }), ...(origin && { origin }), message });
  };
  const kvOrigin = describeOrigin(effective.get('floecat.kv')?.origin ?? { kind: 'default' });
  if (kv && blob && kv !== blob)
    refuse(
      'floecat.blob',
      `floecat.kv is ${kv} (${kvOrigin}); a table and a bucket belong together, so set both to memory or both to local`,
    );
  if (kv === 'memory' && secrets === 'local')
    refuse(
      'floecat.secrets',
      `floecat.kv is memory (${kvOrigin}); local secrets would outlive the store they belong to, so set memory`,
    );
  return problems;
}

export function storageSettings({ storage, gc }: Pick<Values, 'storage' | 'gc'>): StorageSettings {
  const { dataDir, flush } = storage;
  return {
    kv: storage.kv === 'memory' ? { backend: 'memory' } : { backend: 'local', dataDir, flush },
    blob: storage.blob === 'memory' ? { backend: 'memory' } : { backend: 'local', dataDir },
    secrets: storage.secrets === 'memory' ? { backend: 'memory' } : { backend: 'local', dataDir },
    layout: {
      shards: DEFAULT_LAYOUT.shards,
      pointerGraceMs: gc.pointerMinAgeMs,
      casGraceMs: gc.casMinAgeMs,
      casRetentionMs: gc.casRetentionMs,
    },
  };
}
