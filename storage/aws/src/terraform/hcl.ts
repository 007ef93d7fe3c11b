/** An expression that is written as it is. */
export class HclExpression {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Text of several lines. */
export class HclText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type HclValue =
  | string
  | number
  | boolean
  | HclExpression
  | HclText
  | readonly HclValue[]
  | { readonly [key: string]: HclValue };

export interface HclBlock {
  readonly type: string;
  readonly labels: readonly string[];
  /** What is undefined is left out. */
  readonly attributes: Readonly<Record<string, HclValue | undefined>>;
  readonly blocks: readonly HclBlock[];
}

export function block(
  type: string,
  labels: readonly string[],
  attributes: HclBlock['attributes'],
  blocks: readonly HclBlock[] = [],
): HclBlock {
  return { type, labels, attributes, blocks };
}

/** Blocks in the language of Terraform, laid out as its own formatter does. */
export function writeHcl(blocks: readonly HclBlock[]): string {
  return blocks.map((each) => blockLines(each).join('\n') + '\n').join('\n');
}

function blockLines({ type, labels, attributes, blocks }: HclBlock): string[] {
  const given = Object.entries(attributes).filter(
    (entry): entry is [string, HclValue] => entry[1] !== undefined,
  );
  const head = [type, ...labels.map(quoted)].join(' ');
  const body = [attributeLines(given), ...blocks.map(blockLines)].filter((lines) => lines.length > 0);
  const lines = body.flatMap((part, index) => (index === 0 ? part : ['', ...part]));
  return [`${head} {`, ...lines.map((line) => indented(line)), '}'];
}

function attributeLines(attributes: readonly (readonly [string, HclValue])[]): string[] {
  const width = Math.max(0, ...attributes.filter(([, value]) => !isLong(value)).map(([name]) => name.length));
  return attributes.flatMap(([name, value]) => {
    const [first = '', ...rest] = valueLines(value);
    return [`${isLong(value) ? name : name.padEnd(width)} = ${first}`, ...rest];
  });
}

function valueLines(value: HclValue): string[] {
  if (value instanceof HclExpression) return [value.text];
  if (value instanceof HclText) return ['<<-EOT', ...template(value.text).split('\n').map(indented), 'EOT'];
  if (typeof value === 'string') return [quoted(value)];
  if (typeof value !== 'object') return [String(value)];
  if (isList(value)) return [`[${value.flatMap(valueLines).join(', ')}]`];
  const entries = Object.entries(value);
  const keys = entries.map(([key]) => (/^[A-Za-z_][\w-]*$/.test(key) ? key : quoted(key)));
  const width = Math.max(0, ...keys.map((key) => key.length));
  const lines = entries.map(
    ([, each], index) => `${keys[index]?.padEnd(width)} = ${valueLines(each).join('\n')}`,
  );
  return ['{', ...lines.map(indented), '}'];
}

/** Takes more than its own line, so that names beside it are not aligned with it. */
function isLong(value: HclValue): boolean {
  return valueLines(value).length > 1;
}

function isList(value: object): value is readonly HclValue[] {
  return Array.isArray(value);
}

function indented(line: string): string {
  return line === '' ? '' : `  ${line}`;
}

function quoted(text: string): string {
  // JSON has two escapes that HCL has not.
  return template(JSON.stringify(text)).replaceAll('\\b', '\\u0008').replaceAll('\\f', '\\u000c');
}

/** Text in which nothing is filled in. */
function template(text: string): string {
  return text.replaceAll(/[$%]\{/g, (opening) => opening[0] + opening);
}
