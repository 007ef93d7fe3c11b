import assert from 'node:assert/strict';

import type { Pointer, Storage } from '@floecat/storage-spi';

import type { DecodedRoot } from './decode.ts';
import { textIn } from './decode.ts';

/** What an operation means to write under its mark. */
export interface Intent {
  /** Of the metadata of a table or view. */
  readonly text?: string;
  /** What each owner gains, by its canonical key. */
  readonly gains?: ReadonlyMap<string, number>;
}

/** What operations wanted, what the stores show of it, and what their callers were told: the three have to agree. */
export class Ledger {
  readonly #intents = new Map<string, Intent>();
  /** Canonical keys whose rows an operation changed, by its mark. */
  readonly #applied = new Map<string, Set<string>>();
  readonly #writeIds = new Set<string>();
  /** Text of the metadata that a table or view had, by the write id of its row. */
  readonly #texts = new Map<string, string>();
  /** Keys of rows that were there once. */
  readonly #known = new Set<string>();
  #balance: number | undefined;

  /** Announces an operation that leaves `mark`. */
  intend(mark: string, intent: Intent = {}): void {
    this.#intents.set(mark, intent);
  }

  /** Its caller was told that it was done. */
  acknowledged(mark: string): void {
    assert.ok(this.#applied.has(mark), `${mark} was acknowledged and is nowhere`);
  }

  /** Its caller was told, for certain, that it was not done. */
  refused(mark: string): void {
    assert.equal(this.#applied.has(mark), false, `${mark} was refused, and was done`);
  }

  /** A caller was given this row for what it wrote. */
  told({ key, writeId, version }: Pointer): void {
    assert.ok(this.#writeIds.has(writeId), `${key} never was at version ${version} by ${writeId}`);
  }

  /** Whether a row that a reader was given was ever there. */
  wasWritten(writeId: string): boolean {
    return this.#writeIds.has(writeId);
  }

  /** The text that the metadata of a table or view had as of this write. */
  textAt(writeId: string): string | undefined {
    return this.#texts.get(writeId);
  }

  /** A canonical row has moved. */
  async committed(
    row: Pointer,
    was: Pointer | undefined,
    root: DecodedRoot,
    before: DecodedRoot | undefined,
    storage: Storage,
  ): Promise<void> {
    const { key } = row;
    const isAccount = key.startsWith('/floecat/');
    if (was) {
      assert.deepEqual([row.incarnation, row.version], [was.incarnation, was.version + 1], key);
      assert.ok(was.state !== 'TOMBSTONE' || isAccount, `${key} was dropped, and is ${row.state} again`);
      const isUndone = before?.hadName !== undefined && root.hadName === undefined;
      assert.ok(
        !isUndone || was.state === 'TOMBSTONE',
        `${key} was being dropped, and is ${row.state} again`,
      );
    } else {
      assert.equal(row.version, 1, `${key} begins at a later version`);
      assert.ok(!this.#known.has(key) || isAccount, `${key} was gone, and is back`);
    }
    this.#known.add(key);
    this.#writeIds.add(row.writeId);
    const text = this.#intents.get(root.mark)?.text ?? (was && this.#texts.get(was.writeId));
    if (text !== undefined) this.#texts.set(row.writeId, text);
    if (root.mark === '' || root.mark === before?.mark) return;
    const intent = this.#intents.get(root.mark);
    assert.ok(intent, `${key} bears the mark ${root.mark} of nobody`);
    const applied = this.#applied.get(root.mark) ?? new Set();
    assert.ok(!applied.has(key), `${root.mark} was done to ${key} twice`);
    this.#applied.set(root.mark, applied.add(key));
    if (intent.gains)
      assert.equal(
        root.balance,
        (before?.balance ?? 0) + (intent.gains.get(key) ?? 0),
        `${root.mark}: ${key}`,
      );
    if (intent.text === undefined) return;
    const chunks = await storage.blobs.getBatch(root.references);
    const held = chunks.flatMap((chunk) => (chunk ? [chunk.bytes] : []));
    if (held.length === root.references.length) assert.equal(textIn(held), intent.text, root.mark);
  }

  /** The sum of all balances never changes. */
  checkBalance(rows: ReadonlyMap<string, Pointer>, rootOf: (row: Pointer) => DecodedRoot | undefined): void {
    let sum = 0;
    for (const row of rows.values()) sum += rootOf(row)?.balance ?? 0;
    this.#balance ??= sum;
    assert.equal(sum, this.#balance, 'the sum of the balances');
  }

  /** Takes the present sum for the one that is to stay. */
  openAccounts(): void {
    this.#balance = undefined;
  }
}
