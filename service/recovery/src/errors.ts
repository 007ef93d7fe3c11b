/** Base of the errors of this package; the storage errors pass through unchanged. */
export abstract class RecoveryError extends Error {
  abstract readonly code: 'RECOVERY_REFUSED';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Going on would be wrong, or is not possible as it was asked for. Nothing was changed; the message says what to do. */
export class RecoveryRefusedError extends RecoveryError {
  readonly code = 'RECOVERY_REFUSED';
}
