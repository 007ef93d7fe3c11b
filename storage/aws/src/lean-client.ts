/** The parts of an SDK client's middleware stack that are used here; every client has them. */
interface Client {
  readonly middlewareStack: {
    add(
      middleware: never,
      options: {
        readonly step: 'finalizeRequest';
        readonly name: string;
        readonly priority: 'high';
        readonly override: true;
      },
    ): void;
    remove(name: string): boolean;
  };
}

/**
 * Takes the SDK's own retries out of a client: retries have one owner, the wire, and even with one attempt theirs cost
 * each request an error with its stack, and more listeners on its signal. Their place in the stack stays, since others
 * stand beside it.
 */
export function withOneAttempt<T extends Client>(client: T): T {
  client.middlewareStack.add(passOn as never, {
    step: 'finalizeRequest',
    name: 'retryMiddleware',
    priority: 'high',
    override: true,
  });
  return client;
}

/**
 * Takes out the SDK's log, for which it copies every request and answer whole, also where nobody listens. For clients
 * that were given no logger.
 */
export function withoutLog<T extends Client>(client: T): T {
  client.middlewareStack.remove('loggerMiddleware');
  return client;
}

function passOn<Next>(next: Next): Next {
  return next;
}
