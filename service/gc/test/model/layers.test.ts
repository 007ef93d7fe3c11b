// First: it sees to it that compressing is part of the schedule.
import { runPlan } from './run-plan.ts';

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { SafetyLayer } from '@floecat/gc/testing';
import * as fc from 'fast-check';

import type { Focus } from './busy-plans.ts';
import { busyPlans } from './busy-plans.ts';
import type { Weakness } from './model-world.ts';
import { RETENTION_MS } from './model-world.ts';
import type { Plan } from './plan.ts';
import { onMemory } from './stores.ts';

/** What is taken out, beside what would make up for it. */
interface Mutant {
  readonly layer: SafetyLayer | 'carry-over';
  readonly masks: readonly (SafetyLayer | 'carry-over')[];
  readonly focus?: Focus;
  /** From which a schedule fails early. */
  readonly seed: number;
}

const MUTANTS: readonly Mutant[] = [
  { layer: 'grace', masks: ['retention'], seed: 6 },
  { layer: 'retention', masks: [], seed: 1 },
  { layer: 'version-in-delete', masks: ['retention'], seed: 1 },
  { layer: 'rewalk', masks: ['carry-over', 'retention'], seed: 1 },
  { layer: 'carry-over', masks: ['rewalk', 'retention'], seed: 1 },
  {
    layer: 'abort-on-failed-page',
    masks: ['rewalk', 'confirm-absence', 'retention'],
    focus: { faults: true },
    seed: 1,
  },
];
/** A seed that needs more is to be replaced. */
const SCHEDULES = 100;

function weaknessOf(out: readonly Mutant['layer'][]): Weakness {
  return {
    without: out.filter((layer) => layer !== 'carry-over'),
    skipsPuts: out.includes('carry-over'),
    retentionMs: RETENTION_MS,
  };
}

for (const { layer, masks, focus, seed } of MUTANTS)
  void test(`without ${layer}, a blob is lost that is needed`, async (t) => {
    // What a mask would have kept is not asked for.
    const retentionMs = masks.includes('retention') ? 0 : RETENTION_MS;
    const broken = { ...weaknessOf([...masks, layer]), retentionMs };
    const masked = { ...weaknessOf(masks), retentionMs };
    let played = 0;
    let isMasked = false;
    const property = fc.asyncProperty(busyPlans(focus), async (plan: Plan) => {
      played++;
      try {
        await runPlan(plan, { open: onMemory, weakness: broken });
      } catch (error) {
        // It is this layer that makes the difference, in this very schedule.
        isMasked = await runPlan(plan, { open: onMemory, weakness: masked }).then(
          () => true,
          () => false,
        );
        if (isMasked) throw error;
      }
    });
    const result = await fc.check(property, { seed, numRuns: SCHEDULES, endOnFailure: true });
    assert.ok(result.failed, `${played} schedules, and nobody missed it`);
    const { errorInstance: error } = result;
    assert.ok(error instanceof assert.AssertionError, String(error));
    assert.match(error.message, /a blob was deleted that is needed|blobs that are not there/);
    assert.ok(isMasked);
    t.diagnostic(`${layer}: found by schedule ${played} of seed ${seed}`);
  });
