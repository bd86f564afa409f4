/** What an upload is called, the same for the same file on its way to the same place, so that one that was cut goes on. */
import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { diskPath } from './disk-bytes.ts';

/** `from`: a file of this machine; null for what comes through a pipe, which never goes on. */
export async function uploadKey(session: string, from: string | null, to: string): Promise<string> {
  const hash = createHash('sha256').update([session, to].join('\0'));
  if (from === null) hash.update(`\0${process.pid}\0${performance.now()}`);
  else {
    const { size, mtimeMs } = await stat(diskPath(from));
    hash.update(await realpath(diskPath(from), 'buffer')).update(`\0${size}\0${mtimeMs}`);
  }
  return hash.digest('hex').slice(0, 32);
}
