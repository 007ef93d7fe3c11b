import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { OwnerState } from '@floecat/storage-spi';
import { OWNER_STATES } from '@floecat/storage-spi';

import { ATTRIBUTES, ROW_FORMAT } from './dynamo-constants.ts';

/** The text of a condition and what its `#` names stand for. Put together once, for all requests of a kind. */
export interface Form {
  readonly text: string;
  readonly names: Readonly<Record<string, string>>;
}

/** A condition on one row: a form, and what its `:` values are. */
export interface Clause extends Form {
  readonly values?: Readonly<Record<string, AttributeValue>>;
}

const { shard, format, kind, state, version, writeId, incarnation, expiresAt } = ATTRIBUTES;

const ABSENT = form(`attribute_not_exists(#${shard})`, [shard]);
const PINNED = form(`#${version} = :version AND #${writeId} = :write_id`, [version, writeId]);
const LOWER = form(`#${incarnation} = :incarnation AND #${version} < :version`, [incarnation, version]);
const EXPIRED = form(`#${expiresAt} <= :now`, [expiresAt]);
const LIVE = form(`attribute_not_exists(#${expiresAt}) OR #${expiresAt} > :now`, [expiresAt]);
/** A row that this version can read, and so may write over. */
const KNOWN = form(`#${format} <= :format AND #${kind} IN (:blob, :value)`, [format, kind]);
const KNOWN_VALUES = {
  ':format': { N: String(ROW_FORMAT) },
  ':blob': { S: 'blob' },
  ':value': { S: 'value' },
} as const;

const STILL = all(PINNED, LIVE);
const GONE = any(ABSENT, EXPIRED);
const FREE = any(ABSENT, all(EXPIRED, KNOWN));
const FREE_OR_LOWER = any(FREE, all(LOWER, KNOWN));
/** By the number of states that will do, less one. */
const OWNER = OWNER_STATES.map((_, last) => {
  const states = Array.from({ length: last + 1 }, (_each, i) => `:state${i}`);
  const text = `#${incarnation} = :incarnation AND #${state} IN (${states.join(', ')})`;
  return all(form(text, [incarnation, state]), LIVE);
});

/** What pins a row to one state. */
interface Pin {
  readonly version: number;
  readonly writeId: string;
}

/** No row. */
export const absent: Clause = ABSENT;

/** No row, or one whose time is over at `seconds`. */
export function gone(seconds: number): Clause {
  return fill(GONE, { ':now': { N: String(seconds) } });
}

/** Nothing to lose: no row, or one that has expired at `seconds` and that this version can read. */
export function free(seconds: number): Clause {
  return fill(FREE, { ...KNOWN_VALUES, ':now': { N: String(seconds) } });
}

/** As {@link free}, or the same incarnation at a lower version, that this version can read. */
export function freeOrLower(
  row: { readonly version: number; readonly incarnation: string },
  seconds: number,
): Clause {
  return fill(FREE_OR_LOWER, {
    ...KNOWN_VALUES,
    ':now': { N: String(seconds) },
    ':incarnation': { S: row.incarnation },
    ':version': { N: String(row.version) },
  });
}

/** A row whose time is not over at `seconds`. */
export function live(seconds: number): Clause {
  return fill(LIVE, { ':now': { N: String(seconds) } });
}

/** Exactly one state of one row: what a write id made, at its version. */
export function pinned(row: Pin): Clause {
  return fill(PINNED, { ':version': { N: String(row.version) }, ':write_id': { S: row.writeId } });
}

/** As {@link pinned}, of a row whose time is not over at `seconds`. */
export function still(row: Pin & { readonly expiresAt?: number }, seconds: number): Clause {
  // What one write made does not change, so most rows, which never expire, need no look at the time.
  if (row.expiresAt === undefined) return pinned(row);
  return fill(STILL, {
    ':version': { N: String(row.version) },
    ':write_id': { S: row.writeId },
    ':now': { N: String(seconds) },
  });
}

/** The owner is this incarnation, in one of these states, of which there is at least one. */
export function owner(id: string, states: readonly OwnerState[], seconds: number): Clause {
  const distinct = [...new Set(states)];
  return fill(OWNER[distinct.length - 1] as Form, {
    ':incarnation': { S: id },
    ':now': { N: String(seconds) },
    ...Object.fromEntries(distinct.map((each, i) => [`:state${i}`, { S: each }])),
  });
}

/** The parts of a request that carry a condition, with what stands there asked back where it fails. */
export function conditionOf({ text, names, values }: Clause) {
  return {
    ConditionExpression: text,
    ExpressionAttributeNames: names,
    ...(values && { ExpressionAttributeValues: values }),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  };
}

/** A form whose text has these attributes, by their names as stored, each behind a `#`. */
export function form(text: string, attributes: readonly string[]): Form {
  return { text, names: Object.fromEntries(attributes.map((name) => [`#${name}`, name])) };
}

export function fill({ text, names }: Form, values: Readonly<Record<string, AttributeValue>>): Clause {
  return { text, names, values };
}

function all(...forms: readonly Form[]): Form {
  return joined(forms, ' AND ');
}

function any(...forms: readonly Form[]): Form {
  return joined(forms, ' OR ');
}

function joined(forms: readonly Form[], by: string): Form {
  const text = forms.map((each) => `(${each.text})`).join(by);
  return { text, names: Object.assign({}, ...forms.map(({ names }) => names)) as Form['names'] };
}
