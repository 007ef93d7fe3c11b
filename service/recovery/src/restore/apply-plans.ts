import type { Pointer } from '@floecat/storage-spi';
import { mapBounded } from '@floecat/storage-spi';

import type { Root } from '../history/root.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import { callOf } from '../recovery-context.ts';
import type { NameImport, NameToImport } from './name-import.ts';
import { giveUpNames, importNames, withdrawStaleNames } from './name-import.ts';
import { namesOf } from './names-of.ts';
import type { OutcomeKind, Tally } from './outcome.ts';
import type { Plan } from './plan.ts';
import type { RecoverOptions } from './recover-options.ts';
import { rollBackOwner } from './roll-back.ts';
import { isCollected, needsOf, newestVersions, secure } from './secure-blobs.ts';
import type { WantedNames } from './wanted-names.ts';

const PARALLEL_OWNERS = 16;

export interface Applier extends NameImport {
  readonly context: RecoveryContext;
  readonly options: RecoverOptions;
  readonly tally: Tally;
  readonly wanted: WantedNames;
  /** Epoch ms: when this run began, less what clocks may be apart. */
  readonly beganAt: number;
}

/** Does what is planned for owners of one account: blobs, then their rows, then the names that roots tell. */
export async function applyPlans(applier: Applier, account: string, plans: readonly Plan[]): Promise<void> {
  const { context, tally } = applier;
  const { clock, storage } = context;
  await giveUpOthers(applier, plans);
  let began: number;
  do {
    began = clock.monotonic();
    const mayBeCondemned = await isCollected(context, account);
    await mapBounded(plans, PARALLEL_OWNERS, (plan) => secureOwner(applier, plan, mayBeCondemned));
    // As with every writer: what took longer may be collected before the row leads to it.
  } while (clock.monotonic() - began > storage.layout.casGraceMs / 2);

  await mapBounded(plans, PARALLEL_OWNERS, (plan) => removeFromDropped(applier, plan));
  const gone = await giveUpNames(applier, plans);
  const rows = plans.flatMap(({ action }) => (action.is === 'import' ? [action.row] : []));
  const { imported, left } =
    rows.length > 0
      ? await storage.pointers.importPointers(rows, 'if-lower', callOf(context))
      : { imported: 0, left: [] };
  tally.rows.canonical += imported;
  const there = new Map(left.map((each) => [each.key, each]));
  // Somebody wrote to their owner in this moment, which has them still.
  const kept = gone.filter(({ owner }) => there.has(owner.key)).map(({ row }) => row);
  if (kept.length > 0) await storage.pointers.importPointers(kept, 'if-absent', callOf(context));
  const names: NameToImport[] = [];
  for (const plan of plans) {
    const at = there.get(plan.evidence.owner.key);
    names.push(...namesToImport(applier, plan, at?.current));
    await tell(applier, plan, at?.current);
  }
  await importNames(applier, names);
  await withdrawStaleNames(applier, names, applier.beganAt);
}

/** As {@link applyPlans}, without doing it. */
export async function tellPlans(applier: Applier, account: string, plans: readonly Plan[]): Promise<void> {
  const { context, tally } = applier;
  const mayBeCondemned = await isCollected(context, account);
  for (const plan of plans) {
    const { action, evidence, facts } = plan;
    if (action.is === 'import' || action.is === 'confirm') {
      const needs = needsOf(context, action.root, evidence, facts, mayBeCondemned);
      tally.blobs.broughtBack += needs.lacking.length;
      tally.blobs.putAnew += needs.endangered.length;
      tellGone(tally, plan, needs.gone);
      tally.rows.names += action.is === 'import' ? action.root.names.length : 0;
    }
    if (action.is === 'import') tally.rows.canonical++;
    await tell(applier, plan, undefined);
  }
}

/**
 * Marks as lost what is passed over on purpose: newer states where an earlier time is asked for, and what a person decided
 * against. A rebuild that comes later must not find them again.
 */
async function giveUpOthers({ context, options }: Applier, plans: readonly Plan[]): Promise<void> {
  const { asOf, decided } = options;
  if (asOf === undefined && !decided) return;
  const given = plans.flatMap(({ action, facts, evidence }) => {
    const newest = newestVersions(evidence.versions);
    const isPassedOver = (root: Root): boolean => {
      if (decided?.get(root.writeId) === 'rejected') return true;
      if (asOf === undefined || facts.live) return false;
      if (action.is === 'nothing') return true;
      return action.is === 'import' && root.version > action.root.version;
    };
    return facts.roots
      .filter((root) => !root.isLost && isPassedOver(root))
      .flatMap(({ uri }) => newest.get(uri) ?? []);
  });
  await mapBounded(given, PARALLEL_OWNERS, ({ uri, versionId }) =>
    context.storage.blobs.markLost(uri, versionId, callOf(context)),
  );
}

/** Finishes the drop of a table, whose row came back in a state in which it was dropped. */
async function removeFromDropped({ context }: Applier, { action }: Plan): Promise<void> {
  if (action.is !== 'remove') return;
  const { pointers } = context.storage;
  const table = await pointers.get(action.table.key, callOf(context));
  if (table?.state === 'TOMBSTONE' || table?.state === 'DELETING')
    await pointers.compareAndDelete(action.live.key, action.live, callOf(context));
}

async function secureOwner({ context, tally }: Applier, plan: Plan, mayBeCondemned: boolean): Promise<void> {
  const { action, evidence, facts } = plan;
  if (action.is !== 'import' && action.is !== 'confirm') return;
  const needs = needsOf(context, action.root, evidence, facts, mayBeCondemned);
  tellGone(tally, plan, await secure(context, needs, evidence, tally.blobs));
}

function tellGone(tally: Tally, { evidence: { owner } }: Plan, gone: readonly string[]): void {
  for (const uri of gone)
    tally.problem('blob-missing', owner.key, `${owner.key} needs ${uri}, of which no whole version is left`);
}

/** `current` is what refused the import, if something did. */
function namesToImport(
  { options: { backup }, wanted }: Applier,
  plan: Plan,
  current: Pointer | undefined,
): NameToImport[] {
  const { action, facts } = plan;
  if (action.is !== 'import' && action.is !== 'confirm') return [];
  const { root } = action;
  if (current && current.writeId !== root.writeId) return [];
  const { owner } = root;
  return namesOf(root, plan).flatMap((name) => {
    if (name.isExact || !backup || !facts.backup) return [{ owner, ...name }];
    // It was taken before the backup, which has the row.
    wanted.add(name.key, owner.id);
    return [];
  });
}

async function tell(applier: Applier, plan: Plan, current: Pointer | undefined): Promise<void> {
  const { tally, options, context } = applier;
  const { action, target, verdict, evidence, facts } = plan;
  const { owner } = evidence;
  const label = target.root?.label ?? owner.id;
  const told = (outcome: OutcomeKind, version: number | undefined, why: string): void =>
    tally.outcome(owner, { label, outcome, why, ...(version !== undefined && { version }) });
  for (const root of verdict.leftOut)
    tally.problem(
      'not-whole',
      owner.key,
      `version ${root.version} of ${new Date(root.timeMs).toISOString()} is of a transaction over ${root.transaction.owners.length} owners of which parts are nowhere; nothing of it was applied`,
    );
  if (target.doubt) {
    const kept =
      target.root && action.is === 'import'
        ? `; it came back at version ${target.root.version}, as the backup holds it`
        : '';
    tally.problem(target.doubt, owner.key, `${owner.key} ${target.why}${kept}`);
    for (const { uri, why } of facts.unreadable) tally.problem('unreadable', uri, why);
    if (!target.root) return told(target.doubt, facts.live?.version, target.why);
  }
  switch (action.is) {
    case 'remove':
    case 'nothing':
      return told('none', undefined, target.why);
    case 'hold-back':
      tally.problem('held-back', owner.key, `${owner.key} is held back: ${action.why}`);
      return told('held-back', undefined, action.why);
    case 'keep':
      return told('present', action.live.version, action.why);
    case 'confirm':
      return told('present', action.row.version, 'it is there');
    case 'roll-back': {
      if (options.dryRun) return told('rolled-back', undefined, `to ${target.why}`);
      const done = await rollBackOwner(context, owner, action.root);
      if (done.is === 'refused')
        tally.problem(
          'not-rolled-back',
          owner.key,
          `${owner.key} was not rolled back to ${target.why}: ${done.why}`,
        );
      if (done.is === 'refused') return told('present', facts.live?.version, done.why);
      if (done.is === 'rolled-back') tally.rows.canonical++;
      return told(done.is, done.version, `to ${target.why}`);
    }
    case 'import':
      break;
  }
  const { row, root } = action;
  if (current && current.incarnation !== row.incarnation) {
    tally.problem(
      'other-incarnation',
      owner.key,
      `${owner.key} was made again while this ran: what is there stays`,
    );
    return told('other-incarnation', current.version, 'it was made again while this ran');
  }
  if (current) return told('present', current.version, 'it was written while this ran');
  return told(facts.backup?.writeId === root.writeId ? 'restored' : 'replayed', row.version, target.why);
}
