/**
 * Sends a file over SFTP, going on where an earlier attempt broke off. What was written is contiguous but for the last
 * window, so the rest begins a window before the end of what is there; whether the whole is right, its hash tells.
 */
import { open } from 'node:fs/promises';
import type { SFTPWrapper } from 'ssh2';

/** One write, bytes: what every server takes. */
const CHUNK_BYTES = 32 * 1024;
/** Writes under way, so that a long way does not slow it. */
const WINDOW = 32;

export type Upload = {
  readonly sftp: SFTPWrapper;
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  /** How much is there, as it grows. */
  progress(sentBytes: number): void;
};

/** Rejects with the server's or the link's error; what was sent stays for the next attempt. */
export async function upload({ sftp, from, to, bytes, progress }: Upload): Promise<void> {
  const present = await sizeOf(sftp, to);
  const start = present > bytes ? 0 : Math.max(0, Math.floor(present / CHUNK_BYTES) - WINDOW) * CHUNK_BYTES;
  const file = await open(from, 'r');
  // A link that breaks answers no write any more.
  const broken = new Promise<never>((_, reject) => {
    sftp.once('close', () => reject(new Error('the connection broke')));
  });
  broken.catch(() => {}); // the race below sees it
  try {
    const handle = await Promise.race([broken, opened(sftp, to, start > 0 || present > bytes ? 'r+' : 'w')]);
    let next = start;
    let done = start;
    const sender = async () => {
      while (next < bytes) {
        const at = next;
        next += CHUNK_BYTES;
        const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, bytes - at));
        await file.read(chunk, 0, chunk.length, at);
        await written(sftp, handle, chunk, at);
        done += chunk.length;
        progress(done);
      }
    };
    await Promise.race([broken, Promise.all(Array.from({ length: WINDOW }, sender))]);
    await Promise.race([broken, closed(sftp, handle)]);
  } finally {
    await file.close();
  }
}

function sizeOf(sftp: SFTPWrapper, path: string): Promise<number> {
  return new Promise((resolve) => {
    sftp.once('close', () => resolve(0));
    sftp.stat(path, (error, stats) => resolve(error ? 0 : stats.size));
  });
}

function opened(sftp: SFTPWrapper, path: string, flags: 'r+' | 'w'): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    sftp.open(path, flags, { mode: 0o600 }, (error, handle) => (error ? reject(error) : resolve(handle)));
  });
}

function written(sftp: SFTPWrapper, handle: Buffer, chunk: Buffer, at: number): Promise<void> {
  return new Promise((resolve, reject) => {
    sftp.write(handle, chunk, 0, chunk.length, at, (error) => (error ? reject(error) : resolve()));
  });
}

function closed(sftp: SFTPWrapper, handle: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    sftp.close(handle, (error) => (error ? reject(error) : resolve()));
  });
}
