import type { AttributeJson, ItemJson, Substitutes } from './dynamo-json.ts';
import { compare, invalid } from './dynamo-json.ts';

export type Predicate = (item: ItemJson) => boolean;
type Operand = (item: ItemJson) => AttributeJson | undefined;

const TOKEN = /\s*(<=|>=|<>|[()=<>,]|[#:]?\w+)/y;
const COMPARISONS: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/**
 * The expressions of one request. As the service does, it refuses those that refer to something that is not given,
 * and names and values that none refers to.
 */
export class Expressions {
  readonly #names: Readonly<Record<string, string>>;
  readonly #values: Readonly<Record<string, AttributeJson>>;
  readonly #used = new Set<string>();
  #tokens: string[] = [];

  constructor({ ExpressionAttributeNames = {}, ExpressionAttributeValues = {} }: Substitutes) {
    this.#names = ExpressionAttributeNames;
    this.#values = ExpressionAttributeValues;
  }

  /** What an expression says; always true where there is none. */
  parse(text: string | undefined): Predicate {
    if (text === undefined) return () => true;
    this.#tokens = tokensOf(text);
    const predicate = this.#either();
    if (this.#tokens.length > 0) throw invalid(`a syntax error at ${this.#tokens[0]} in ${text}`);
    return predicate;
  }

  /** To be called once all expressions of the request were parsed. */
  refuseUnused(): void {
    for (const given of [...Object.keys(this.#names), ...Object.keys(this.#values)])
      if (!this.#used.has(given)) throw invalid(`${given} is unused in expressions`);
  }

  #either(): Predicate {
    const first = this.#both();
    if (!this.#accept('OR')) return first;
    const second = this.#either();
    return (item) => first(item) || second(item);
  }

  #both(): Predicate {
    const first = this.#one();
    if (!this.#accept('AND')) return first;
    const second = this.#both();
    return (item) => first(item) && second(item);
  }

  #one(): Predicate {
    if (this.#accept('(')) {
      const inner = this.#either();
      this.#expect(')');
      return inner;
    }
    if (this.#accept('attribute_not_exists')) {
      const [operand] = this.#arguments(1);
      return (item) => operand?.(item) === undefined;
    }
    if (this.#accept('begins_with')) {
      const [whole, start] = this.#arguments(2);
      return (item) => (whole?.(item)?.S ?? '').startsWith(start?.(item)?.S ?? '\0');
    }
    const left = this.#operand();
    if (this.#accept('IN')) {
      const options = this.#arguments();
      return (item) => options.some((option) => compare(left(item), option(item)) === 0);
    }
    const operator = this.#tokens.shift() ?? 'the end';
    const holds = COMPARISONS[operator];
    if (!holds) throw invalid(`a syntax error at ${operator}`);
    const right = this.#operand();
    return (item) => {
      const order = compare(left(item), right(item));
      return order !== undefined && holds(order);
    };
  }

  #arguments(count?: number): Operand[] {
    this.#expect('(');
    const operands = [this.#operand()];
    while (this.#accept(',')) operands.push(this.#operand());
    this.#expect(')');
    if (count !== undefined && operands.length !== count) throw invalid(`${operands.length} operands`);
    return operands;
  }

  #operand(): Operand {
    const token = this.#tokens.shift() ?? 'the end';
    this.#used.add(token);
    const name = this.#names[token];
    if (name !== undefined) return (item) => item[name];
    const value = this.#values[token];
    if (value !== undefined) return () => value;
    throw invalid(`${token} is not defined`);
  }

  #accept(token: string): boolean {
    if (this.#tokens[0] !== token) return false;
    this.#tokens.shift();
    return true;
  }

  #expect(token: string): void {
    if (!this.#accept(token)) throw invalid(`${this.#tokens[0] ?? 'the end'} where ${token} is due`);
  }
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const [, token] = TOKEN.exec(text) ?? [];
    if (token === undefined) throw invalid(`a syntax error at ${text.slice(at)}`);
    tokens.push(token);
  }
  return tokens;
}
