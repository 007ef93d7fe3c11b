import { availableParallelism } from 'node:os';

import { benchAwsClientCpu } from './aws-client-cpu.ts';
import { benchAwsEmulators } from './aws-emulators.ts';
import { benchAwsRequests } from './aws-requests.ts';
import { benchBlobs } from './blobs.ts';
import { benchCas } from './pointers-cas.ts';
import { benchGet } from './pointers-get.ts';
import { benchList } from './pointers-list.ts';
import { print } from './report.ts';

print(
  `On Node ${process.version} with ${availableParallelism()} cores. Where there is a baseline, both sides run in turn; each figure is a median over the rounds.`,
);
print('The embedded store:');
const met = [await benchGet(), await benchCas(), await benchList(), await benchBlobs()];
met.push(await benchAwsRequests(), await benchAwsClientCpu());
await benchAwsEmulators();
if (met.includes(false)) process.exitCode = 1;
