/** The bytes of a segment for who only reads, in another thread than the one that writes and packs it. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type Segment, segmentName } from './segment.ts';
import { unpackSegment } from './segment-files.ts';

/** What it held when it was listed; null where it is damaged, or gone. */
export async function segmentContent(folder: string, segment: Segment): Promise<Uint8Array | null> {
  if (!segment.isSealed) {
    const bytes = await raw(join(folder, segmentName(segment)), segment.bytes).catch(() => null); // packed meanwhile
    if (bytes) return bytes;
  }
  return unpackSegment(folder, { ...segment, isSealed: true }).catch(() => null); // damaged: `verify` names it
}

async function raw(path: string, bytes: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
