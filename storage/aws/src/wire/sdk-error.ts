/** What is read of an error of the AWS SDK or of the socket beneath it. Nothing is certain to be there. */
export interface SdkError {
  readonly name: string;
  readonly message: string;
  /** Of the socket, e.g. `ECONNREFUSED`. */
  readonly code: string | undefined;
  readonly syscall: string | undefined;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  /** An answer came, though perhaps one that cannot be read. */
  readonly answered: boolean;
}

export function readSdkError(error: unknown): SdkError {
  const fields = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  const metadata = (fields['$metadata'] ?? {}) as Record<string, unknown>;
  const status = metadata['httpStatusCode'];
  return {
    name: text(fields['name']) ?? '',
    message: text(fields['message']) ?? String(error),
    code: text(fields['code']),
    syscall: text(fields['syscall']),
    status: typeof status === 'number' ? status : undefined,
    requestId: text(metadata['requestId']),
    answered: status !== undefined || fields['$response'] !== undefined,
  };
}

/** Whether `error` is the SDK's of that name, e.g. `ConditionalCheckFailedException`. */
export function isSdkError(error: unknown, name: string): boolean {
  return readSdkError(error).name === name;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
