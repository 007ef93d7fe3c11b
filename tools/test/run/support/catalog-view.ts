import assert from 'node:assert/strict';

/** The tables of the demonstration lake. */
export const LAKE_TABLES = ['cafe.cats', 'cafe.clinic.checkups', 'cafe.visits'];

/** What the catalog answers of the demonstration lake: each table with its metadata and its snapshots. */
export async function lakeOver(url: string): Promise<Readonly<Record<string, string>>> {
  const entries = LAKE_TABLES.map(async (table) => {
    const levels = table.split('.');
    const path = `namespaces/${levels.slice(0, -1).join('%1F')}/tables/${levels.at(-1)}`;
    const [loaded, snapshots] = await Promise.all([
      body(`${url}/v1/default/${path}`),
      body(`${url}/floecat/v1/default/${path}/snapshots`),
    ]);
    assert.match(snapshots, /"snapshot-id":\d+/, table);
    return [table, `${loaded}\n${snapshots}`] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function body(url: string): Promise<string> {
  const response = await fetch(url);
  const text = await response.text();
  assert.equal(response.status, 200, `${url}: ${text}`);
  return text;
}
