import { storeTime } from '@floecat/repository';

import type { RecoveryContext } from '../recovery-context.ts';
import { callOf } from '../recovery-context.ts';
import type { BackupState, Registration } from './backup-row.ts';
import { BackupRow } from './backup-row.ts';

/** A backup that this store keeps the blobs of, or has to do with otherwise. */
export interface RegisteredBackup {
  readonly id: string;
  readonly location: string;
  readonly state: BackupState;
  /** The backup that it builds on. */
  readonly since?: string;
  /** Epoch ms, by the store's clock. */
  readonly startedAt: number;
  readonly endedAt?: number;
  /** Of one that is being written: those that its walk has met so far. */
  readonly pointers: number;
  /** Of its segments, as stored. */
  readonly bytes: number;
  readonly manifestSha256?: string;
  /** Epoch ms, by the store's clock: when its row was last written. */
  readonly updatedAt: number;
  /** Of one that is being written: how long its row was not, ms. */
  readonly silentMs?: number;
}

/** Every registered backup, whatever its state, by id and so by time. Reads the store's own rows, and no target. */
export async function listBackups(
  context: Pick<RecoveryContext, 'storage' | 'random' | 'signal'>,
): Promise<RegisteredBackup[]> {
  const call = callOf(context);
  const rows = await BackupRow.readAll(context.storage, context.random, call);
  const isWriting = rows.some(({ value }) => value?.state === 'writing');
  const now = isWriting ? await storeTime(context.storage, call) : 0;
  return rows.flatMap(({ id, value, updatedAt }) => (value ? [describe(id, value, updatedAt, now)] : []));
}

function describe(id: string, value: Registration, updatedAt: number, now: number): RegisteredBackup {
  const { progress: _, ...facts } = value;
  return {
    id,
    ...facts,
    updatedAt,
    ...(value.state === 'writing' && { silentMs: Math.max(0, now - updatedAt) }),
  };
}
