import { createServer, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

const LEAVE_MS = 20_000;

/** One request as the proxy saw it. */
export interface Recorded {
  readonly method: string;
  /** As it was sent. */
  readonly path: string;
  /** Access key id that it was signed with; empty where it was not. */
  readonly signer: string;
  /** `s3`, `dynamodb`, `secretsmanager`, … */
  readonly service: string;
  /** Region that it was signed for. */
  readonly region: string;
  readonly sessionToken: string | undefined;
}

export interface RecordingProxy extends AsyncDisposable {
  readonly endpoint: string;
  readonly requests: readonly Recorded[];
  /** Resolves once nobody is connected. Connections are kept open until a client ends them. */
  readonly left: () => Promise<void>;
}

/** An endpoint of its own before an AWS endpoint, which notes who asks for what. */
export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const requests: Recorded[] = [];
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    const { method = '', url: path = '', headers } = incoming;
    const [, signer = '', region = '', service = ''] =
      /Credential=([^/]+)\/[^/]+\/([^/]+)\/([^/]+)\//.exec(headers.authorization ?? '') ?? [];
    const token = headers['x-amz-security-token'];
    requests.push({ method, path, signer, service, region, sessionToken: token?.toString() });
    const forwarded = request({ hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  server.keepAliveTimeout = 0;
  const connected = new Set<Socket>();
  let change = Promise.withResolvers<void>();
  server.on('connection', (socket) => {
    connected.add(socket);
    socket.once('close', () => {
      connected.delete(socket);
      change.resolve();
      change = Promise.withResolvers();
    });
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    left: async () => {
      // Only for a failure, which would otherwise be waited for without end.
      const late = setTimeout(() => change.reject(new Error('somebody is still connected')), LEAVE_MS);
      while (connected.size > 0) await change.promise;
      clearTimeout(late);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
