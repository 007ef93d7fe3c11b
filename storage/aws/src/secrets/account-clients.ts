import type { Clock } from '@floecat/storage-spi';

import type { AccountCredentials, AccountRole } from './account-role.ts';
import type { ClosableSecretsService, SecretsService } from './secrets-service.ts';

/** Accounts whose clients are kept. */
export const MAX_ACCOUNT_CLIENTS = 256;
/** Credentials are renewed this long before they end. */
const RENEW_BEFORE_MS = 5 * 60_000;

export interface AccountClientsConfig {
  readonly role: AccountRole;
  readonly clock: Clock;
  /** A client of its own that signs with these credentials. */
  readonly connect: (credentials: AccountCredentials) => ClosableSecretsService;
  /** Default {@link MAX_ACCOUNT_CLIENTS}. */
  readonly capacity?: number;
}

interface Entry {
  readonly opened: Promise<{ readonly service: ClosableSecretsService; readonly renewAt: number }>;
  users: number;
  dropped: boolean;
}

/**
 * One client for each account, under the account's own assumed credentials. Each is kept until its credentials have
 * to be renewed, or until others were used since and there is no more room; it is ended once nobody uses it.
 */
export class AccountClients implements AsyncDisposable {
  readonly #config: AccountClientsConfig;
  readonly #entries = new Map<string, Entry>();

  constructor(config: AccountClientsConfig) {
    this.#config = config;
  }

  /** Runs `work` with the account's client. */
  async use<T>(
    operation: string,
    account: string,
    work: (service: SecretsService) => Promise<T>,
  ): Promise<T> {
    const entry = await this.#enter(operation, account);
    try {
      const { service } = await entry.opened;
      return await work(service);
    } finally {
      entry.users--;
      this.#endUnused(entry);
    }
  }

  /** Makes the next call of the account assume the role anew. */
  forget(account: string): void {
    const entry = this.#entries.get(account);
    if (entry) this.#drop(account, entry);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [account, entry] of this.#entries) this.#drop(account, entry);
  }

  /** The account's entry, which counts the caller among its users already. */
  async #enter(operation: string, account: string): Promise<Entry> {
    const known = this.#entries.get(account);
    if (known) {
      // Callers that come together share one attempt to assume the role; one that failed is not kept.
      const { renewAt } = await known.opened;
      if (this.#config.clock.now() < renewAt && !known.dropped) {
        this.#entries.delete(account);
        this.#entries.set(account, known);
        known.users++;
        return known;
      }
      if (this.#entries.get(account) === known) this.#drop(account, known);
      return this.#enter(operation, account);
    }
    const entry: Entry = { opened: this.#open(operation, account), users: 1, dropped: false };
    this.#entries.set(account, entry);
    entry.opened.catch(() => {
      if (this.#entries.get(account) === entry) this.#entries.delete(account);
    });
    const { capacity = MAX_ACCOUNT_CLIENTS } = this.#config;
    for (const [oldest, unused] of this.#entries) {
      if (this.#entries.size <= capacity) break;
      this.#drop(oldest, unused);
    }
    return entry;
  }

  async #open(operation: string, account: string): Promise<Awaited<Entry['opened']>> {
    const { role, connect } = this.#config;
    const credentials = await role.assume(operation, account);
    return { service: connect(credentials), renewAt: credentials.expiration.getTime() - RENEW_BEFORE_MS };
  }

  #drop(account: string, entry: Entry): void {
    this.#entries.delete(account);
    entry.dropped = true;
    this.#endUnused(entry);
  }

  async #end(entry: Entry): Promise<void> {
    try {
      const { service } = await entry.opened;
      // Somebody may have come while it was being opened; the last of them ends it.
      if (entry.users === 0) service.destroy();
    } catch {
      // It was never opened.
    }
  }

  #endUnused(entry: Entry): void {
    if (!entry.dropped || entry.users > 0) return;
    void this.#end(entry);
  }
}
