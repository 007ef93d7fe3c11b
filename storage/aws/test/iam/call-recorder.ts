import { AsyncLocalStorage } from 'node:async_hooks';

import type { Storage } from '@floecat/storage-spi';

/** A kind of process, each of which has a policy of its own. */
export type Role = 'runtime' | 'collector' | 'bootstrap' | 'recovery';

/** One request of an SDK client, as the caller gave it. */
export interface RecordedCall {
  /** All that may make this call; none for what a test does beside the store. */
  readonly roles: readonly Role[];
  readonly service: string;
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Of the credentials that signed it. */
  readonly accessKeyId: string;
  /** The error's name, once it failed. */
  error?: string;
}

interface Client {
  readonly config: { readonly credentials: () => Promise<{ readonly accessKeyId: string }> };
  readonly middlewareStack: {
    add(middleware: unknown, options: { readonly step: 'initialize'; readonly name: string }): void;
  };
}

type Next = (args: { readonly input: Readonly<Record<string, unknown>> }) => Promise<{ output: unknown }>;

/** Who the account of an assumed session is, by its key. */
export type SessionTags = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** Writes down every call of the clients that it is attached to, with the kinds of process that may make it. */
export class CallRecorder {
  readonly calls: RecordedCall[] = [];
  readonly #sessions = new Map<string, Readonly<Record<string, string>>>();
  readonly #roles = new AsyncLocalStorage<readonly Role[]>();

  get sessions(): SessionTags {
    return this.#sessions;
  }

  as<T>(roles: readonly Role[], work: () => Promise<T>): Promise<T> {
    return this.#roles.run(roles, work);
  }

  attach<T extends object>(client: T): T {
    const { config, middlewareStack } = client as unknown as Client;
    middlewareStack.add(
      (next: Next, { clientName, commandName }: { clientName: string; commandName: string }) =>
        async (args: Parameters<Next>[0]) => {
          const { accessKeyId } = await config.credentials();
          const call: RecordedCall = {
            roles: this.#roles.getStore() ?? [],
            service: clientName.replace(/Client$/, ''),
            operation: commandName.replace(/Command$/, ''),
            input: args.input,
            accessKeyId,
          };
          this.calls.push(call);
          try {
            const answer = await next(args);
            if (call.operation === 'AssumeRole') this.#sessionOf(call, answer.output);
            return answer;
          } catch (error) {
            call.error = (error as Error).name;
            throw error;
          }
        },
      { step: 'initialize', name: 'recordCalls' },
    );
    return client;
  }

  /** The store with each call of the SPI made as the kinds of process that may make it. */
  wrap(storage: Storage): Storage {
    const { pointers, system, blobs, secrets } = storage;
    return {
      ...storage,
      pointers: this.#wrapped('pointers', pointers),
      system: this.#wrapped('pointers', system),
      blobs: this.#wrapped('blobs', blobs),
      secrets: this.#wrapped('secrets', secrets),
    };
  }

  #wrapped<T extends object>(store: keyof typeof MAY, target: T): T {
    return new Proxy(target, {
      get: (_, name) => {
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== 'function' || typeof name !== 'string') return member;
        const method = member.bind(target) as (...args: unknown[]) => Promise<unknown>;
        if (name === 'close' || name === 'pageTokenAfterKey') return method;
        const roles = MAY[store](name);
        return (...args: unknown[]) => {
          const blindly = (args[1] as { unconditional?: boolean } | undefined)?.unconditional === true;
          return this.as(blindly ? ['recovery'] : roles, () => method(...args));
        };
      },
    });
  }

  #sessionOf({ input }: RecordedCall, output: unknown): void {
    const { Credentials } = output as { Credentials?: { AccessKeyId?: string } };
    const tags = (input['Tags'] ?? []) as { Key: string; Value: string }[];
    const byKey = Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));
    this.#sessions.set(Credentials?.AccessKeyId ?? '', byKey);
  }
}

const ALL: readonly Role[] = ['runtime', 'collector', 'recovery'];
/** Blobs are written by those that commit, and deleted by those that collect or repair. */
const BLOBS: Readonly<Record<string, readonly Role[]>> = {
  put: ['runtime', 'recovery'],
  delete: ['collector', 'recovery'],
  deleteVersion: ['collector', 'recovery'],
  deletePrefix: ['collector', 'recovery'],
  listVersions: ['collector', 'recovery'],
  supportsVersionedDeletes: ['collector', 'recovery'],
};

const MAY = {
  pointers: (name: string): readonly Role[] => (name === 'importPointers' ? ['recovery'] : ALL),
  blobs: (name: string): readonly Role[] => BLOBS[name] ?? ALL,
  secrets: (): readonly Role[] => ['runtime'],
};
