import type { AwsStub } from './aws-stub/aws-stub.ts';
import type { Reading } from './aws-stub/request-meter.ts';

/** What one operation costs. Everything it asks for is named; what is not named it does not ask for. */
export interface Cost {
  readonly requests: Readonly<Record<string, number>>;
  /** Capacity units of DynamoDB. Default 0. */
  readonly read?: number;
  readonly write?: number;
}

export interface MeasuredOperation extends Cost {
  readonly name: string;
  /** Does what has to be there before, and answers the operation itself, which alone is counted. */
  readonly prepare: () => Promise<() => Promise<unknown>>;
}

/** Runs an operation once and answers what arrived meanwhile. */
export async function measure(stub: AwsStub, { prepare }: MeasuredOperation): Promise<Reading> {
  const operation = await prepare();
  stub.meter.take();
  await operation();
  return stub.meter.take();
}
