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
  client.middlewareStack.add(noteDates() as never, {
    step: 'deserialize',
    name: 'answerDates',
    priority: 'high',
  });
  return client;
}

function noteDates() {
  // The header changes once a second, so most answers have the one of the answer before.
  let last = { text: '', date: Number.NaN };
  return (next: (request: unknown) => Promise<Answered>) =>
    async (request: unknown): Promise<Answered> => {
      const answered = await next(request);
      const text = dateHeaderOf(answered.response);
      if (text !== last.text) last = { text, date: Date.parse(text) };
      const { $metadata } = answered.output;
      if ($metadata && !Number.isNaN(last.date)) $metadata.answeredAt = last.date;
      return answered;
    };
}

/** `answeredAt` of an answer, if its client sets it. */
export function answeredAt(answer: { readonly $metadata: AnswerMetadata | object }): number | undefined {
  return 'answeredAt' in answer.$metadata ? answer.$metadata.answeredAt : undefined;
}

function dateHeaderOf(response: unknown): string {
  const headers = (response as { headers?: Record<string, string> } | undefined)?.headers;
  return headers?.['date'] ?? headers?.['Date'] ?? '';
}
