/** Makes the sketches which sessions lack, and removes what is left of others. */
import { plainBytes } from '#session/plain-bytes.ts';
import type { Segment } from '../output/segment.ts';
import { findSegments } from '../output/segment-files.ts';
import { type Stretch, Stretches } from '../search/stretches.ts';
import { foldedBytes } from './certain-text.ts';
import { sketchOf } from './sketch.ts';
import { NO_NEXT, readSketch, removeSketch, removeStraySketches, stampOf, writeSketch } from './sketch-file.ts';
import type { SketchTask } from './sketch-messages.ts';

export async function makeSketches({ sessions }: SketchTask): Promise<void> {
  // One that is damaged or cannot be written to must not keep the others from theirs.
  for (const session of sessions) await sketchSession(session).catch(() => {});
}

async function sketchSession({ folder, isEnded }: SketchTask['sessions'][number]): Promise<void> {
  const { segments } = findSegments(folder);
  await removeStraySketches(folder, segments);
  const stretches = new Stretches(folder, segments);
  const isComplete = (segment: Segment | null) => segment?.isSealed || isEnded;
  // The newest first, as they are read: each knows the beginning of the one behind it.
  for (let index = segments.length - 1; index >= 0; index--) {
    const [segment, next] = [segments[index], stretches.following(index)];
    if (!segment) continue;
    const stamp = await stampOf(folder, segment);
    const nextStamp = next ? await stampOf(folder, next) : NO_NEXT;
    const sketched = { start: segment.start, bytes: segment.bytes, stamp, nextStamp };
    const { is } = readSketch(folder, sketched);
    if (is === 'right') continue;
    if (is === 'damaged') await removeSketch(folder, segment.start); // also where none can be made
    // What the next one begins with counts as well.
    const stretch = isComplete(segment) && (!next || isComplete(next)) ? await stretches.read(index) : null;
    if (stretch?.ownBytes !== segment.bytes) continue; // not yet, or damaged, or cut off
    await writeSketch(folder, sketched, sketchOf(textsOf(stretch)));
  }
}

/** As a search may read it, also once the segment before or behind it is gone. */
function textsOf({ joined, ownBytes, firstLine }: Stretch): Uint8Array[] {
  const text = (raw: Uint8Array) => foldedBytes(plainBytes(raw, { isFolded: true }).plain);
  const { plain, isCut } = plainBytes(joined, { isFolded: true, cuts: [firstLine, ownBytes] });
  const whole = foldedBytes(plain);
  return isCut
    ? [whole, text(joined.subarray(0, ownBytes)), text(joined.subarray(firstLine)), text(joined.subarray(firstLine, ownBytes))]
    : [whole];
}
