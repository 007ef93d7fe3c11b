import assert from 'node:assert/strict';

import { parse } from '@cdktn/hcl2json';

export type Body = Readonly<Record<string, unknown>>;

export interface Terraform {
  /** By type and name. */
  readonly resources: Readonly<Record<string, Readonly<Record<string, Body>>>>;
  readonly data: Readonly<Record<string, Readonly<Record<string, Body>>>>;
  readonly provider: Readonly<Record<string, unknown>>;
}

type Blocks = Readonly<Record<string, Readonly<Record<string, readonly Body[]>>>>;

/**
 * Terraform as HashiCorp's own parser reads it. It answers Terraform's JSON, in which text is still a template: here
 * references stay as they are, and everything else is the text that it stands for.
 */
export async function parseTerraform(text: string): Promise<Terraform> {
  const parsed = (await parse('main.tf', text)) as Readonly<Record<string, Blocks>>;
  return {
    resources: unwrapped(parsed['resource']),
    data: unwrapped(parsed['data']),
    provider: parsed['provider'] ?? {},
  };
}

function unwrapped(blocks: Blocks = {}): Terraform['resources'] {
  const types = Object.entries(blocks).map(([type, named]) => {
    const bodies = Object.entries(named).map(([name, [body, ...more]]) => {
      assert.deepEqual(more, [], `${type} ${name} is there twice`);
      return [name, filledIn(body)] as const;
    });
    return [type, Object.fromEntries(bodies)] as const;
  });
  return Object.fromEntries(types) as Terraform['resources'];
}

const REFERENCE = /^\$\{[a-z0-9_.]+\}$/;

function filledIn(value: unknown): unknown {
  if (typeof value === 'string') return REFERENCE.test(value) ? value : literal(value);
  if (Array.isArray(value)) return value.map(filledIn);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [literal(key), filledIn(each)]));
}

function literal(template: string): string {
  assert.doesNotMatch(template, /(?<![$%])[$%]\{/, 'Terraform would fill something in here');
  return template.replaceAll(/([$%])\1\{/g, '$1{');
}
