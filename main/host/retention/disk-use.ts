/** How much of the disk files take, as `du` counts it. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Of a block that a file system counts in, bytes (POSIX stat). */
const BLOCK_BYTES = 512;

/** Of a file; 0 where there is none. */
export async function fileBytes(path: string): Promise<number> {
  try {
    const { blocks, size } = await stat(path);
    return process.platform === 'win32' ? size : blocks * BLOCK_BYTES;
  } catch {
    return 0; // removed meanwhile, or never made
  }
}

/** Of all files below a folder; 0 where there is none. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []); // none
  let total = 0;
  for (const entry of entries) if (entry.isFile()) total += await fileBytes(join(entry.parentPath, entry.name));
  return total;
}

/** Of a database with what stands beside it. */
export async function databaseBytes(file: string): Promise<number> {
  const parts = ['', '-wal', '-shm', '-tail-a', '-tail-b'].map((suffix) => fileBytes(file + suffix));
  return (await Promise.all(parts)).reduce((sum, bytes) => sum + bytes, 0);
}
