import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';

const GIVE_UP_MS = 20_000;

/** A server that takes connections and requests, and never answers. */
export interface SilentServer extends AsyncDisposable {
  readonly endpoint: string;
  /** Connections that a request came in on. */
  readonly asked: number;
  /** Waits until the client has ended every connection. Rejects after a while if one stays open. */
  readonly allEnded: () => Promise<void>;
}

export async function startSilentServer(): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  let asked = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('data', () => asked++);
    // An abort may come as a reset.
    socket.on('error', () => {});
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    endpoint: `http://127.0.0.1:${port}`,
    get asked() {
      return asked;
    },
    allEnded: async () => {
      const signal = AbortSignal.timeout(GIVE_UP_MS);
      for (const socket of sockets) if (!socket.closed) await once(socket, 'close', { signal });
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
