import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';

import { openPointerTable } from './pointer-table.ts';
import type { WriteRequest } from './write-requests.ts';
import { weightOf } from './write-requests.ts';
import { WriteTransactions } from './write-transactions.ts';
import type { WriterCommand, WriterReport, WriterSettings } from './writer-protocol.ts';

/** What one transaction takes on at most, so that none of its requests waits long for the others. */
const MAX_GROUP_BYTES = 8 * 1024 * 1024;

if (!parentPort) throw new Error('this file is the entry of a thread');
const port = parentPort;
const settings = workerData as WriterSettings;
const table = openPointerTable(settings.folder);
const transactions = new WriteTransactions(table, settings);

port.on('message', (first: string) => {
  // Whatever came while the last transaction was flushed goes into the next one.
  const waiting: WriteRequest[] = [];
  let closing = false;
  for (let text: string | undefined = first; text !== undefined; text = nextMessage()) {
    const command = JSON.parse(text) as WriterCommand;
    if ('close' in command) closing = true;
    else waiting.push(...command.requests);
  }
  for (const group of groupsOf(waiting)) report({ results: transactions.run(group) });
  if (closing) void table.close().then(() => port.close());
});
report({ ready: true });

function nextMessage(): string | undefined {
  return receiveMessageOnPort(port)?.message as string | undefined;
}

function report(message: WriterReport): void {
  port.postMessage(JSON.stringify(message));
}

function* groupsOf(requests: readonly WriteRequest[]): Generator<WriteRequest[]> {
  let group: WriteRequest[] = [];
  let weight = 0;
  for (const request of requests) {
    weight += weightOf(request);
    if (weight > MAX_GROUP_BYTES && group.length > 0) {
      yield group;
      group = [];
      weight = weightOf(request);
    }
    group.push(request);
  }
  if (group.length > 0) yield group;
}
