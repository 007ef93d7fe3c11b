import type { Also, Json } from '@floecat/repository';
import { fingerprintOf, ResourceNotEmptyError, ResourceNotFoundError, runOnce } from '@floecat/repository';
import { InvalidArgumentError, StorageConflictError } from '@floecat/storage-spi';
import type { FastifyRequest } from 'fastify';

import type { CatalogService } from '../catalog-service.ts';
import type { ErrorResponse } from './error-response.ts';
import { describeError } from './error-response.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What a change of a request is called with. */
export interface ChangeCall<T extends Json> {
  /** What the change's transaction is to hold besides, so that `result` is recorded with it. */
  readonly also: (result: () => T) => Also;
  readonly signal?: AbortSignal;
}

/** An error that an earlier request with the same key was answered with. */
export class RecordedError extends Error {
  readonly response: ErrorResponse;

  constructor(response: ErrorResponse) {
    super(response.body.error.message);
    this.response = response;
  }
}

type Recorded<T extends Json> =
  | { readonly result: T }
  | { readonly status: number; readonly type: string; readonly message: string };

/**
 * Makes the change that a request asks for; where it has an `Idempotency-Key`, once for all requests that have the same.
 * As the protocol has it, success is recorded, and so is a refusal that would be the same again; whatever else fails may be
 * tried again under the same key.
 */
export async function changeOnce<T extends Json>(
  { repositories }: CatalogService,
  request: FastifyRequest,
  change: (call: ChangeCall<T>) => Promise<T>,
): Promise<T> {
  const key = keyOf(request);
  if (key === undefined) return change({ also: () => [] });
  const fingerprint = fingerprintOf(request.method, request.url, (request.body ?? null) as Json);
  const { result: recorded } = await runOnce<Recorded<T>>(
    repositories.context,
    { key, fingerprint },
    async ({ completing, signal }) => {
      try {
        const also =
          (result: () => T): Also =>
          async () => [await completing({ result: result() })];
        return { result: await change({ also, signal }) };
      } catch (error) {
        const told = isFinal(error) ? describeError(error) : undefined;
        if (!told) throw error;
        const { message, type } = told.body.error;
        return { status: told.status, type, message };
      }
    },
  );
  if ('result' in recorded) return recorded.result;
  const { status, type, message } = recorded;
  throw new RecordedError({ status, body: { error: { message, type, code: status } } });
}

function keyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !UUID.test(key))
    throw new InvalidArgumentError(
      'the Idempotency-Key is not a UUID: give each operation a new one, of version 7',
    );
  return key.toLowerCase();
}

/** A refusal that says how things are, and not that something failed. */
function isFinal(error: unknown): boolean {
  return (
    error instanceof InvalidArgumentError ||
    error instanceof StorageConflictError ||
    error instanceof ResourceNotFoundError ||
    error instanceof ResourceNotEmptyError
  );
}
