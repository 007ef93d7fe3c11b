import { parseJson, stringifyJson } from './harvest/index.ts';

/** The metadata with only those snapshots that a branch or tag refers to; every number keeps its digits. */
export function onlyReferencedSnapshots(text: Uint8Array): Uint8Array {
  const metadata = parseJson(Buffer.from(text).toString('utf8')) as {
    snapshots?: { 'snapshot-id': bigint | number }[];
    refs?: Record<string, { 'snapshot-id': bigint | number }>;
    'current-snapshot-id'?: bigint | number | null;
  };
  const { snapshots, refs } = metadata;
  if (!snapshots) return text;
  const referenced = new Set(Object.values(refs ?? {}).map((ref) => String(ref['snapshot-id'])));
  // Metadata from before there were refs has a current snapshot and no main branch.
  referenced.add(String(metadata['current-snapshot-id']));
  metadata.snapshots = snapshots.filter((snapshot) => referenced.has(String(snapshot['snapshot-id'])));
  return Buffer.from(stringifyJson(metadata), 'utf8');
}
