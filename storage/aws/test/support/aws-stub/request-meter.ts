import type { Socket } from 'node:net';

import type { Units } from './dynamo-json.ts';

/** What was asked of the services since the meter was read before. */
export interface Reading {
  /** How many requests of each operation. */
  readonly requests: Readonly<Record<string, number>>;
  /** Capacity units of DynamoDB. */
  readonly read: number;
  readonly write: number;
  /** Bytes on the wire to and from the services, HTTP's own included and TLS's not. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** Counts what arrives at a server: every request that came whole, whatever its answer. */
export class RequestMeter {
  readonly #sockets = new Set<Socket>();
  readonly #requests = new Map<string, number>();
  #units: Units = { read: 0, write: 0 };
  #closed = { read: 0, written: 0 };
  #before = { read: 0, written: 0 };

  opened(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#closed.read += socket.bytesRead;
      this.#closed.written += socket.bytesWritten;
    });
  }

  request(operation: string, units: Units): void {
    this.#requests.set(operation, (this.#requests.get(operation) ?? 0) + 1);
    this.#units = { read: this.#units.read + units.read, write: this.#units.write + units.write };
  }

  /** What was counted since the last reading. Read it while no request is under way. */
  take(): Reading {
    const { read, write } = this.#units;
    const requests = Object.fromEntries([...this.#requests].toSorted(([a], [b]) => (a < b ? -1 : 1)));
    const bytes = { ...this.#closed };
    for (const socket of this.#sockets) {
      bytes.read += socket.bytesRead;
      bytes.written += socket.bytesWritten;
    }
    const bytesSent = bytes.read - this.#before.read;
    const bytesReceived = bytes.written - this.#before.written;
    this.#before = bytes;
    this.#requests.clear();
    this.#units = { read: 0, write: 0 };
    return { requests, read, write, bytesSent, bytesReceived };
  }
}
