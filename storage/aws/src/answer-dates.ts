/** The parts of an SDK client's middleware stack that are used here; every client has them. */
interface Client {
  readonly middlewareStack: {
    add(
      middleware: never,
      options: { readonly step: 'deserialize'; readonly name: string; readonly priority: 'high' },
    ): void;
  };
}

interface Answered {
  readonly response: unknown;
  readonly output: { readonly $metadata?: AnswerMetadata };
}

/** What {@link withAnswerDates} adds to `$metadata`. */
export interface AnswerMetadata {
  /** The answer's `Date` header, epoch ms in whole seconds: the service's clock. */
  answeredAt?: number;
}

/** Makes a client put the `Date` header of each answer into `$metadata.answeredAt` of what it returns. */
export function withAnswerDates<T extends Client>(client: T): T {
  client.middlewareStack.add(noteDate as never, {
    step: 'deserialize',
    name: 'answerDates',
    priority: 'high',
  });
  return client;
}

function noteDate(next: (request: unknown) => Promise<Answered>) {
  return async (request: unknown): Promise<Answered> => {
    const answered = await next(request);
    const date = dateOf(answered.response);
    if (date !== undefined && answered.output.$metadata) answered.output.$metadata.answeredAt = date;
    return answered;
  };
}

/** `answeredAt` of an answer, if its client sets it. */
export function answeredAt(answer: { readonly $metadata: AnswerMetadata | object }): number | undefined {
  return 'answeredAt' in answer.$metadata ? answer.$metadata.answeredAt : undefined;
}

function dateOf(response: unknown): number | undefined {
  const headers = (response as { headers?: Record<string, string> } | undefined)?.headers;
  const date = Date.parse(headers?.['date'] ?? headers?.['Date'] ?? '');
  return Number.isNaN(date) ? undefined : date;
}
