import { fileURLToPath } from 'node:url';

import { AwsStub } from '../storage/aws/test/support/aws-stub/aws-stub.ts';
import { openStubStorage } from '../storage/aws/test/support/aws-stub/open-stub-storage.ts';
import type { Reading } from '../storage/aws/test/support/aws-stub/request-meter.ts';
import type { MeasuredOperation } from '../storage/aws/test/support/measured-operation.ts';
import { measure } from '../storage/aws/test/support/measured-operation.ts';
import { repositoryOperations } from '../storage/aws/test/support/repository-operations.ts';
import { storeOperations } from '../storage/aws/test/support/store-operations.ts';
import { print } from './report.ts';

/**
 * Requests, capacity units and bytes of each operation, counted on a server that answers as AWS does. They do not
 * depend on the machine: a request or a unit more or less than is known misses.
 */
export async function benchAwsRequests(): Promise<boolean> {
  await using stub = await AwsStub.start();
  await using storage = await openStubStorage(stub.endpoint);
  print('Requests to AWS, and what they cost:');
  let met = true;
  for (const operation of [...storeOperations(storage), ...(await repositoryOperations(storage))]) {
    const reading = await measure(stub, operation);
    const miss = differences(reading, operation);
    print(`${operation.name}: ${shown(reading)}${miss === '' ? '' : ` (MISSED: ${miss})`}`);
    met &&= miss === '';
  }
  return met;
}

function shown({ requests, read, write, bytesSent, bytesReceived }: Reading): string {
  const asked = Object.entries(requests).map(([name, count]) => (count === 1 ? name : `${count} ${name}`));
  const units = [read > 0 && `${read} RRU`, write > 0 && `${write} WRU`].filter(Boolean);
  const bytes = `${bytesSent.toLocaleString('en-US')} B sent, ${bytesReceived.toLocaleString('en-US')} B received`;
  return [asked.join(' + '), ...units, bytes].join(', ');
}

function differences(reading: Reading, operation: MeasuredOperation): string {
  const { requests, read = 0, write = 0 } = operation;
  const names = new Set([...Object.keys(requests), ...Object.keys(reading.requests)]);
  return [
    ...[...names].flatMap((name) => difference(name, reading.requests[name] ?? 0, requests[name] ?? 0)),
    ...difference('RRU', reading.read, read),
    ...difference('WRU', reading.write, write),
  ].join('; ');
}

function difference(what: string, found: number, known: number): string[] {
  return found === known ? [] : [`${known} ${what} known, ${found} found`];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = (await benchAwsRequests()) ? 0 : 1;
