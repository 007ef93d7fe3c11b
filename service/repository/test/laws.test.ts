import { suite, test } from 'node:test';

import * as repository from '@floecat/repository';

import { LAWS } from './laws/index.ts';
import { BACKENDS } from './support/backends.ts';
import { openLawWorld } from './support/law-world.ts';

for (const [backend, open] of BACKENDS)
  suite(`repositories on ${backend}`, () => {
    for (const { name, holds } of LAWS)
      test(name, async () => {
        await using fixture = await open();
        await holds(await openLawWorld(repository, fixture));
      });
  });
