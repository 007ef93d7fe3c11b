import { syncBuiltinESMExports } from 'node:module';
import zlib from 'node:zlib';

/**
 * Compresses on the spot instead of in the thread pool, the only thing in repositories and collectors that happens
 * behind the scheduler's back: so that a schedule is all there is to a run, and its seed replays it. To be imported
 * before anything that imports them.
 */
type Done = (error: Error | null, result: Buffer) => void;

zlib.zstdCompress = inPlace(zlib.zstdCompressSync) as unknown as typeof zlib.zstdCompress;
zlib.zstdDecompress = inPlace(zlib.zstdDecompressSync) as unknown as typeof zlib.zstdDecompress;
syncBuiltinESMExports();

/** Whether it is as said; whoever runs schedules asks, so that this file is loaded. */
export function isZstdInPlace(): boolean {
  let isDone = false;
  zlib.zstdCompress(Buffer.from('x'), () => void (isDone = true));
  return isDone;
}

function inPlace(work: (bytes: zlib.InputType, options?: zlib.ZstdOptions) => Buffer) {
  return (bytes: zlib.InputType, ...rest: readonly [Done] | readonly [zlib.ZstdOptions, Done]): void => {
    const done = rest.at(-1) as Done;
    const options = rest.length === 2 ? rest[0] : undefined;
    let result: Buffer;
    try {
      result = work(bytes, options);
    } catch (error) {
      done(error as Error, Buffer.alloc(0));
      return;
    }
    done(null, result);
  };
}
