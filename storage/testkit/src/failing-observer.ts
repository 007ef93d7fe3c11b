import assert from 'node:assert/strict';

import type {
  Observation,
  ObservedStore,
  OperationFacts,
  RequestObservation,
  StorageObserver,
} from '@floecat/storage-spi';

/**
 * Fails at whatever it is told, as an exporter may that ran out of memory: nothing of it must reach who uses the
 * stores. It still counts that every operation ended once, with numbers that can be.
 */
export class FailingObserver implements StorageObserver {
  readonly #underWay = new Set<object>();
  readonly #wrong: string[] = [];

  operation(store: ObservedStore, operation: string): Observation<OperationFacts> {
    const name = `${store} ${operation}`;
    const observation = {
      within: (body: () => void): void => {
        body();
        throw new Error('within');
      },
      end: (facts: OperationFacts): void => {
        if (!this.#underWay.delete(observation)) this.#wrong.push(`${name} ended twice`);
        const { durationMs, items, bytesRead, bytesWritten } = facts;
        if (![durationMs, items, bytesRead, bytesWritten].every((number) => number >= 0))
          this.#wrong.push(`${name} ended with ${JSON.stringify(facts)}`);
        throw new Error('end');
      },
    };
    this.#underWay.add(observation);
    return observation;
  }

  request(): RequestObservation {
    throw new Error('request');
  }

  /** Throws where an operation did not end, or ended wrong. */
  check(): void {
    assert.deepEqual(this.#wrong, []);
    assert.equal(this.#underWay.size, 0, 'operations that never ended');
  }
}
