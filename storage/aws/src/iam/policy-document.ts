/** Where in AWS a store is, as ARNs say it. */
export interface AwsPlace {
  /** Default `aws`; others are `aws-cn` and `aws-us-gov`. */
  readonly partition?: string;
  readonly region: string;
  /** Twelve digits; or `*`, or a placeholder to be filled in. */
  readonly accountId: string;
  /** Who may assume the role of the secrets, as ARNs. Default: whoever its account allows to. */
  readonly trustedArns?: readonly string[];
}

/** Values of a condition, by operator and key. */
export type PolicyCondition = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  /** Of a trust policy only. */
  readonly Principal?: { readonly AWS: readonly string[] };
  readonly Action: readonly string[];
  /** Absent in a trust policy. */
  readonly Resource?: readonly string[];
  readonly Condition?: PolicyCondition;
}

/** As IAM takes it, once it is written as JSON. */
export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

export function documentOf(statements: readonly PolicyStatement[]): PolicyDocument {
  return { Version: '2012-10-17', Statement: statements };
}

export function allow(
  sid: string,
  service: string,
  actions: readonly string[],
  resources: readonly string[],
  condition: PolicyCondition = {},
): PolicyStatement {
  return {
    Sid: sid,
    Effect: 'Allow',
    Action: actions.toSorted().map((action) => `${service}:${action}`),
    Resource: resources,
    ...(Object.keys(condition).length > 0 && { Condition: condition }),
  };
}

/** `text` in a resource or a pattern, where some characters mean something to IAM. */
export function literal(text: string): string {
  return text.replace(/[*?$]/g, (character) => `\${${character}}`);
}
