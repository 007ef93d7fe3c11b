import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';

import * as repository from '@floecat/repository';

import { LAWS } from './laws/index.ts';
import { startAwsBackend } from './support/aws-backend.ts';
import { openLawWorld } from './support/law-world.ts';

const backend = await startAwsBackend();
const skip = 'skip' in backend ? backend : {};
after(async () => {
  if (!('skip' in backend)) await backend[Symbol.asyncDispose]();
});

// Every kind goes the same way through the stores; a soak takes them all.
const ONE_KIND = /^(?:account|catalog|namespace|view): /;
const laws = process.env['FLOECAT_SOAK'] ? LAWS : LAWS.filter(({ name }) => !ONE_KIND.test(name));
const WRITERS = 16;

suite('repositories on DynamoDB Local and an S3 endpoint', skip, () => {
  for (const { name, holds } of laws)
    test(name, async () => {
      if ('skip' in backend) return;
      await using fixture = await backend.open();
      await holds(await openLawWorld(repository, fixture));
    });

  test(`${WRITERS} writers increment one counter: the exact sum`, async () => {
    if ('skip' in backend) return;
    await using fixture = await backend.open();
    const world = await openLawWorld(repository, fixture);
    const { owner } = await world.repositories.catalogs.require('lake');
    await Promise.all(
      Array.from({ length: WRITERS }, () =>
        world.client().catalogs.update(
          owner.id,
          ({ properties }) => {
            properties['n'] = String(Number(properties['n'] ?? '0') + 1);
          },
          { attempts: 1_000 },
        ),
      ),
    );
    const { resource, pointer } = await world.repositories.catalogs.require('lake');
    assert.equal(resource.properties['n'], String(WRITERS));
    assert.equal(pointer.version, 1 + WRITERS);
  });
});
