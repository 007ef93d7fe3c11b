import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';

import { openPointerTable, tableFileOf } from './pointer-table.ts';
import type { WriteRequest } from './write-requests.ts';
import { weightOf } from './write-requests.ts';
import { WriteTransactions } from './write-transactions.ts';
import type { WriterCommand, WriterReport, WriterResult, WriterSettings } from './writer-protocol.ts';

/** What one transaction takes on at most, so that none of its requests waits long for the others. */
const MAX_GROUP_BYTES = 8 * 1024 * 1024;

if (!parentPort) throw new Error('this file is the entry of a thread');
const port = parentPort;
const settings = workerData as WriterSettings;
// Opened where it is not, it would be made anew.
const table = isInPlace() ? openPointerTable(settings.folder) : undefined;
const transactions = table && new WriteTransactions(table, settings);

port.on('message', (first: string) => {
  // Whatever came while the last transaction was flushed goes into the next one.
  const waiting: WriteRequest[] = [];
  let closing = false;
  for (let text: string | undefined = first; text !== undefined; text = nextMessage()) {
    const command = JSON.parse(text) as WriterCommand;
    if ('close' in command) closing = true;
    else waiting.push(...command.requests);
  }
  for (const group of groupsOf(waiting)) report({ results: run(group) });
  if (closing) void (table?.close() ?? Promise.resolve()).then(() => port.close());
});
report({ ready: true });

/** What is written to a file that was deleted or replaced would be acknowledged and lost. */
function isInPlace(): boolean {
  return settings.file !== undefined && tableFileOf(settings.folder) === settings.file;
}

function run(group: readonly WriteRequest[]): WriterResult[] {
  if (transactions && isInPlace()) return transactions.run(group);
  const message = `the pointer table is not in ${settings.folder} any more, or another one is`;
  return group.map(() => ({ failure: { kind: 'gone', message } }));
}

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
