import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';

import { openPointerTable } from './pointer-table.ts';
import { weightOf } from './write-requests.ts';
import { WriteTransactions } from './write-transactions.ts';
import type { NumberedRequest, WriterCommand, WriterReport, WriterSettings } from './writer-protocol.ts';

/** What one transaction takes on at most, so that none of its requests waits long for the others. */
const MAX_GROUP_BYTES = 8 * 1024 * 1024;

if (!parentPort) throw new Error('this file is the entry of a thread');
const port = parentPort;
const settings = workerData as WriterSettings;
const table = openPointerTable(settings.folder);
const transactions = new WriteTransactions(table, settings);

port.on('message', (first: WriterCommand) => {
  // Whatever came while the last transaction was flushed goes into the next one.
  const waiting: NumberedRequest[] = [];
  let closing = false;
  for (let command: WriterCommand | undefined = first; command; command = nextCommand()) {
    if ('close' in command) closing = true;
    else waiting.push(...command.requests);
  }
  for (const group of groupsOf(waiting)) report({ results: transactions.run(group) });
  if (closing) void table.close().then(() => port.close());
});
report({ ready: true });

function nextCommand(): WriterCommand | undefined {
  return receiveMessageOnPort(port)?.message as WriterCommand | undefined;
}

function report(message: WriterReport): void {
  port.postMessage(message);
}

function* groupsOf(requests: readonly NumberedRequest[]): Generator<NumberedRequest[]> {
  let group: NumberedRequest[] = [];
  let weight = 0;
  for (const numbered of requests) {
    weight += weightOf(numbered.request);
    if (weight > MAX_GROUP_BYTES && group.length > 0) {
      yield group;
      group = [];
      weight = weightOf(numbered.request);
    }
    group.push(numbered);
  }
  if (group.length > 0) yield group;
}
