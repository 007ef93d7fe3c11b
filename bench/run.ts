import { availableParallelism } from 'node:os';

import { benchAwsClientCpu } from './aws-client-cpu.ts';
import { benchAwsEmulators } from './aws-emulators.ts';
import { benchAwsRequests } from './aws-requests.ts';
import { benchBackup } from './backup.ts';
import { benchBlobs } from './blobs.ts';
import { benchGc } from './gc-mark-sweep.ts';
import { benchCas } from './pointers-cas.ts';
import { benchGet } from './pointers-get.ts';
import { benchList } from './pointers-list.ts';
import { print } from './report.ts';
import { benchRepository, benchRepositoryOnEmulators } from './repository.ts';
import { benchRestore } from './restore.ts';

print(
  `On Node ${process.version} with ${availableParallelism()} cores. Where there is a baseline, both sides run in turn; each figure is a median over the rounds.`,
);
print('The embedded store:');
const met = [await benchGet(), await benchCas(), await benchList(), await benchBlobs()];
met.push(await benchRepository());
met.push(await benchAwsRequests(), await benchAwsClientCpu());
await benchAwsEmulators();
await benchRepositoryOnEmulators();
// A million of them, which takes longer than all the rest: make bench-gc.
met.push(await benchGc(100_000));
met.push(await benchBackup());
// Half of them have a blob, which takes long to make: make bench-restore has a million.
met.push(await benchRestore(100_000));
if (met.includes(false)) process.exitCode = 1;
