import { SYSTEM_SHARD } from './dynamo-constants.ts';
import { Shards } from './shards.ts';

/** The store's own rows all live in one shard, beside the layout row. */
export class SystemShard extends Shards {
  constructor() {
    super(1);
  }

  override ofKey(): string {
    return SYSTEM_SHARD;
  }

  override ofPrefix(): readonly string[] {
    return [SYSTEM_SHARD];
  }
}
