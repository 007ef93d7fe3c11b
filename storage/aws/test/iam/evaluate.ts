import type { PolicyDocument, PolicyStatement } from '@floecat/storage-aws';

/** What IAM knows of a request when it decides. A key that is absent or undefined is not known. */
export type Context = Readonly<Record<string, string | readonly string[] | undefined>>;

/** One thing that IAM is asked about. */
export interface Request {
  readonly action: string;
  readonly resource: string;
  readonly context: Context;
}

/** The statements of a policy that allow a request. A trust policy has no resources, and applies to its own role. */
export function allowing(policy: PolicyDocument, request: Request): readonly PolicyStatement[] {
  return policy.Statement.filter(
    ({ Action, Resource, Condition = {} }) =>
      Action.some((pattern) => matches(pattern, request.action, {})) &&
      (Resource === undefined || Resource.some((arn) => matches(arn, request.resource, request.context))) &&
      Object.entries(Condition).every(([operator, keys]) =>
        Object.entries(keys).every(([key, values]) =>
          holds(operator, request.context[key], [values].flat(), request.context),
        ),
      ),
  );
}

function holds(
  operator: string,
  found: string | readonly string[] | undefined,
  wanted: readonly string[],
  context: Context,
): boolean {
  const all = found === undefined ? [] : [found].flat();
  switch (operator) {
    case 'StringEqualsIfExists':
      return found === undefined || holds('StringEquals', found, wanted, context);
    case 'ForAllValues:StringEquals':
      return all.every((each) => wanted.includes(each));
    case 'ForAnyValue:StringEquals':
      return all.some((each) => wanted.includes(each));
    case 'StringEquals':
      return all.length > 0 && wanted.some((each) => filledIn(each, context) === all[0]);
    case 'StringLike':
      return all.length > 0 && wanted.some((each) => matches(each, all[0] ?? '', context));
    case 'NumericGreaterThanEquals':
      return all.length > 0 && wanted.some((each) => Number(all[0]) >= Number(each));
    case 'Bool':
      return all.length > 0 && wanted.includes(all[0] ?? '');
    default:
      throw new Error(`the evaluator does not know ${operator}`);
  }
}

const VARIABLE = /\$\{([^}]+)\}/g;

/** `undefined` where a variable has no value: then nothing matches. */
function filledIn(pattern: string, context: Context): string | undefined {
  let known = true;
  const text = pattern.replaceAll(VARIABLE, (_, name: string) => {
    if (name.length === 1) return name;
    const value = context[name];
    known &&= typeof value === 'string';
    return typeof value === 'string' ? value : '';
  });
  return known ? text : undefined;
}

/** Whether `text` is what the pattern means: `*`, `?`, and variables, whose values mean themselves. */
function matches(pattern: string, text: string, context: Context): boolean {
  const parts = pattern.split(/(\$\{[^}]+\}|\*|\?)/);
  let regex = '';
  for (const part of parts) {
    const value = filledIn(part, context);
    if (value === undefined) return false;
    if (part === '*') regex += '.*';
    else if (part === '?') regex += '.';
    else regex += value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  }
  return new RegExp(`^${regex}$`, 's').test(text);
}
