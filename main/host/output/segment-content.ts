/** The bytes of a segment for who only reads, in another thread than the one that writes and packs it. */
import { readRaw } from './raw-segment.ts';
import type { Segment } from './segment.ts';
import { unpackSegment } from './segment-files.ts';
import type { Range } from './segment-sums.ts';

const LINE_END = 0x0a;

/** `damaged`: places in it where nothing is known but how long it was; in `bytes` line ends stand for it. */
export type SegmentContent = { readonly bytes: Uint8Array; readonly damaged: readonly Range[] };

/** What it held when it was listed; null where all of it is damaged, or gone. */
export async function segmentContent(folder: string, segment: Segment): Promise<SegmentContent | null> {
  if (!segment.isSealed) {
    const content = await readRaw(folder, segment, { from: 0, max: segment.bytes }).catch(() => null); // packed meanwhile
    for (const { from, to } of content?.damaged ?? []) content?.bytes.fill(LINE_END, from, to);
    if (content) return content;
  }
  const bytes = await unpackSegment(folder, { ...segment, isSealed: true }).catch(() => null); // damaged: `verify` names it
  return bytes && { bytes, damaged: [] };
}
