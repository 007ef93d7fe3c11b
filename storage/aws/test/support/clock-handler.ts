import { NodeHttpHandler } from '@smithy/node-http-handler';

type Handle = NodeHttpHandler['handle'];

/** Sends requests as the SDK does, and dates every answer by `now`, as a server with that clock would. */
export class ClockHandler extends NodeHttpHandler {
  readonly #now: () => number;

  constructor(now: () => number) {
    super();
    this.#now = now;
  }

  override async handle(...call: Parameters<Handle>): ReturnType<Handle> {
    const answer = await super.handle(...call);
    answer.response.headers['date'] = new Date(this.#now()).toUTCString();
    return answer;
  }
}
