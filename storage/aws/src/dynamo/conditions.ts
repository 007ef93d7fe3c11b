import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { OwnerState } from '@floecat/storage-spi';

import { ATTRIBUTES, ROW_FORMAT } from './dynamo-constants.ts';

/** A condition on one row, and what its text refers to. */
export interface Clause {
  readonly text: string;
  /** By their names as stored; the text has each behind a `#`. */
  readonly attributes: readonly string[];
  readonly values: Readonly<Record<string, AttributeValue>>;
}

const { shard, format, kind, state, version, writeId, incarnation, expiresAt } = ATTRIBUTES;

/** No row. */
export const absent = clause(`attribute_not_exists(#${shard})`, [shard]);

/** A row that this version can read, and so may write over. */
export const known = clause(`#${format} <= :format AND #${kind} IN (:blob, :value)`, [format, kind], {
  ':format': { N: String(ROW_FORMAT) },
  ':blob': { S: 'blob' },
  ':value': { S: 'value' },
});

/** A row, if there is one, whose time is over at `seconds`. */
export function expired(seconds: number): Clause {
  return clause(`#${expiresAt} <= :now`, [expiresAt], { ':now': { N: String(seconds) } });
}

/** A row whose time is not over at `seconds`. */
export function live(seconds: number): Clause {
  return clause(`attribute_not_exists(#${expiresAt}) OR #${expiresAt} > :now`, [expiresAt], {
    ':now': { N: String(seconds) },
  });
}

/** Exactly one state of one row: what a write id made, at its version. */
export function pinned(row: { readonly version: number; readonly writeId: string }): Clause {
  return clause(`#${version} = :version AND #${writeId} = :write_id`, [version, writeId], {
    ':version': { N: String(row.version) },
    ':write_id': { S: row.writeId },
  });
}

/** The owner is this incarnation, in one of these states. */
export function owner(id: string, states: readonly OwnerState[]): Clause {
  const names = states.map((_, i) => `:state${i}`);
  return clause(
    `#${incarnation} = :incarnation AND #${state} IN (${names.join(', ')})`,
    [incarnation, state],
    {
      ':incarnation': { S: id },
      ...Object.fromEntries(states.map((each, i) => [`:state${i}`, { S: each }])),
    },
  );
}

/** The same incarnation at a lower version. */
export function lower(row: { readonly version: number; readonly incarnation: string }): Clause {
  return clause(`#${incarnation} = :incarnation AND #${version} < :version`, [incarnation, version], {
    ':incarnation': { S: row.incarnation },
    ':version': { N: String(row.version) },
  });
}

/** Nothing to lose: no row, or one that has expired and that this version can read. */
export function free(seconds: number): Clause {
  return any(absent, all(expired(seconds), known));
}

export function all(...clauses: readonly Clause[]): Clause {
  return joined(clauses, ' AND ');
}

export function any(...clauses: readonly Clause[]): Clause {
  return joined(clauses, ' OR ');
}

/** The parts of a request that carry a condition, with what stands there asked back where it fails. */
export function conditionOf(condition: Clause) {
  const { text, values } = condition;
  return {
    ConditionExpression: text,
    ExpressionAttributeNames: namesOf(condition),
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: { ...values } }),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  };
}

export function namesOf(condition: Clause): Record<string, string> {
  return Object.fromEntries(condition.attributes.map((name) => [`#${name}`, name]));
}

function clause(
  text: string,
  attributes: readonly string[],
  values: Readonly<Record<string, AttributeValue>> = {},
): Clause {
  return { text, attributes, values };
}

function joined(clauses: readonly Clause[], by: string): Clause {
  return clause(
    clauses.map(({ text }) => `(${text})`).join(by),
    clauses.flatMap(({ attributes }) => attributes),
    Object.assign({}, ...clauses.map(({ values }) => values)) as Record<string, AttributeValue>,
  );
}
