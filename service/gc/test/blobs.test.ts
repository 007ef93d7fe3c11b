import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { DAY_MS, GRACE_MS, RETENTION_MS, World } from './support/world.ts';

void suite('the blob collector', () => {
  void test('keeps all that is referenced, condemns what is not after the grace, deletes it after the retention', async () => {
    await using world = await World.open();
    const table = await world.addTable('orders', 'one');
    await world.setMetadata('orders', 'two');
    const before = await world.uris();

    assert.equal((await world.pass())['condemned'], 0, 'everything is young');
    world.clock.advance(GRACE_MS);
    const first = await world.pass();
    // The staged root, the published one and the chunk of the first metadata.
    assert.equal(first['newlyCondemned'], 3);
    assert.equal(first['deleted'], 0);
    assert.deepEqual(await world.uris(), before);

    world.clock.advance(RETENTION_MS - 1);
    assert.equal((await world.pass())['deleted'], 0);
    world.clock.advance(1);
    const last = await world.pass();
    assert.equal(last['deleted'], 3);
    assert.equal(await world.metadataOf('orders'), 'two');
    assert.deepEqual((await world.uris(table.owner.blobPrefix)).length, 2);
    world.clock.advance(DAY_MS);
    assert.equal((await world.pass())['condemned'], 0, 'nothing is left to do');
  });
});
