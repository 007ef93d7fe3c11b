import type { CancellationReason } from '@aws-sdk/client-dynamodb';
import { InvalidArgumentError, StorageMisconfiguredError } from '@floecat/storage-spi';

import { fatal } from '../wire/classify.ts';
import type { Failure, WireCall } from '../wire/failure.ts';
import { readSdkError } from '../wire/sdk-error.ts';
import type { Item } from './pointer-item.ts';

const HELD = 'None';
const FAILED = 'ConditionalCheckFailed';
const CONTENDED = 'TransactionConflict';
const THROTTLED = new Set(['ProvisionedThroughputExceeded', 'ThrottlingError']);

type Reason = { readonly ok: true } | { readonly ok: false; readonly item: Item | undefined };

/**
 * How each condition fared, if failed conditions are the only reason why the transaction was cancelled. For every
 * other reason `undefined`: then nothing is known about the conditions.
 */
export function canceledFor(error: unknown, operations: number): readonly Reason[] | undefined {
  const reasons = reasonsOf(error);
  if (reasons?.length !== operations) return undefined;
  const codes = reasons.map(codeOf);
  if (!codes.includes(FAILED) || codes.some((code) => code !== HELD && code !== FAILED)) return undefined;
  return reasons.map((reason, i): Reason =>
    codes[i] === HELD ? { ok: true } : { ok: false, item: reason.Item },
  );
}

/** What the errors mean that only transactions have; `undefined` for all others. */
export function classifyTransaction(error: unknown, call: WireCall): Failure | undefined {
  const { name } = readSdkError(error);
  switch (name) {
    case 'TransactionCanceledException':
      return canceled(error, call);
    // An earlier attempt with this token is still under way, and may yet be applied.
    case 'TransactionInProgressException':
      return { kind: 'ambiguous' };
    case 'IdempotentParameterMismatchException':
      return fatal(
        InvalidArgumentError,
        call,
        error,
        'its write id has served another request in the last ten minutes: every write needs its own',
      );
    default:
      return undefined;
  }
}

function canceled(error: unknown, call: WireCall): Failure {
  const codes = (reasonsOf(error) ?? []).map(codeOf);
  const other = codes.find(
    (code) => code !== HELD && code !== FAILED && code !== CONTENDED && !THROTTLED.has(code),
  );
  if (other === undefined && codes.some((code) => THROTTLED.has(code))) return { kind: 'throttled' };
  if (other === undefined && codes.includes(CONTENDED)) return { kind: 'contended' };
  const why = `the transaction was cancelled for ${codes.length > 0 ? codes.join(', ') : 'no given reason'}`;
  return fatal(StorageMisconfiguredError, call, error, `${why}: ${readSdkError(error).message}`);
}

function reasonsOf(error: unknown): readonly CancellationReason[] | undefined {
  if (readSdkError(error).name !== 'TransactionCanceledException') return undefined;
  return (error as { CancellationReasons?: readonly CancellationReason[] }).CancellationReasons;
}

function codeOf(reason: CancellationReason): string {
  return reason.Code ?? HELD;
}
