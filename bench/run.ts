import { availableParallelism } from 'node:os';

import { benchBlobs } from './blobs.ts';
import { benchCas } from './pointers-cas.ts';
import { benchGet } from './pointers-get.ts';
import { benchList } from './pointers-list.ts';
import { print } from './report.ts';

print(
  `The local store beside its baselines, on Node ${process.version} with ${availableParallelism()} cores. Both sides run in turn; each figure is a median over the rounds.`,
);
const met = [await benchGet(), await benchCas(), await benchList(), await benchBlobs()];
if (met.includes(false)) process.exitCode = 1;
