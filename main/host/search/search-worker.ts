/** A process that looks through the output of sessions, newest segments first; it ends with its search, or with its host. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SessionId } from '#protocol/ids.ts';
import { segmentContent } from '../output/segment-content.ts';
import { findSegments, type Segment, segmentName } from '../output/segment-files.ts';
import { readTimes, type TimeMark } from '../output/segment-times.ts';
import { newMatcher } from './matcher.ts';
import type { FoundHit, SearchTask, WorkerMessage } from './search-messages.ts';
import { searchBytes } from './segment-search.ts';

/** A line that begins in one segment and ends in the next is looked for in both together, up to this many bytes of the second. */
const MAX_LINE_BYTES = 64 * 1024;
/** Where that has no line end at all, so much is seen from both sides, bytes. */
const OVERLAP_BYTES = 4 * 1024;

/** `newest`: when its last byte came, about. */
type Stretch = { session: SessionId; folder: string; segment: Segment; before: Segment | null; newest: number };

async function main({ sessions, sought, since, limit }: SearchTask, post: (message: WorkerMessage) => void): Promise<WorkerMessage> {
  const matcher = newMatcher(sought);
  const stretches = (await Promise.all(sessions.map(stretchesOf))).flat().filter(({ newest }) => newest >= (since ?? 0));
  stretches.sort((a, b) => b.newest - a.newest);
  const totalBytes = stretches.reduce((sum, { segment }) => sum + segment.bytes, 0);
  /** The beginning of the segment that follows the one looked at, of each session. */
  const heads = new Map<SessionId, { start: number; bytes: Uint8Array }>();
  let readBytes = 0;
  let left = limit;
  for (const { session, folder, segment, before } of stretches) {
    const bytes = await segmentContent(folder, segment);
    readBytes += segment.bytes;
    if (bytes) {
      const head = heads.get(session);
      const isFollowed = head?.start === segment.start + bytes.length;
      const joined = isFollowed ? Buffer.concat([bytes, head.bytes]) : bytes;
      const isPrecededBy = before !== null && before.start + before.bytes === segment.start;
      const firstLine = isPrecededBy ? bytes.subarray(0, MAX_LINE_BYTES).indexOf(0x0a) + 1 : 0;
      heads.set(session, { start: segment.start, bytes: bytes.slice(0, firstLine > 0 ? firstLine : OVERLAP_BYTES) });
      const isWholeLine = isFollowed && head.bytes.at(-1) === 0x0a;
      const found = searchBytes(joined.subarray(firstLine), matcher, isWholeLine ? joined.length : bytes.length - firstLine);
      const marks = found.length > 0 ? await readTimes(folder, segment) : [];
      const hits = found.reverse().map(
        (hit): FoundHit => ({
          session,
          offset: segment.start + firstLine + hit.at,
          text: hit.text,
          ranges: hit.ranges,
          at: timeAt(marks, segment.start + firstLine + hit.at),
        }),
      );
      const wanted = hits.filter(({ at }) => since === null || at === null || at >= since).slice(0, left);
      left -= wanted.length;
      if (wanted.length > 0) post({ kind: 'found', hits: wanted });
    }
    post({ kind: 'progress', readBytes, totalBytes });
    if (left <= 0) return { kind: 'ended', reason: 'limit' };
  }
  return { kind: 'ended', reason: 'complete' };
}

async function stretchesOf({ session, folder }: SearchTask['sessions'][number]): Promise<Stretch[]> {
  try {
    const { segments } = findSegments(folder);
    const times = await Promise.all(segments.map(async (segment) => (await stat(join(folder, segmentName(segment)))).mtimeMs));
    // Those of a session stay in order, whatever the clock did.
    for (let index = times.length - 2; index >= 0; index--) times[index] = Math.min(times[index] ?? 0, (times[index + 1] ?? 0) - 0.001);
    return segments.map((segment, index) => ({
      session,
      folder,
      segment,
      before: segments[index - 1] ?? null,
      newest: times[index] ?? 0,
    }));
  } catch {
    return []; // removed while it was listed
  }
}

function timeAt(marks: readonly TimeMark[], offset: number): number | null {
  return marks.findLast((mark) => mark.offset <= offset)?.at ?? marks[0]?.at ?? null;
}

/** Calls `done` once it is on its way. */
function tell(message: WorkerMessage, done: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, done);
}

process.on('disconnect', () => process.exit()); // the host is gone
process.once('message', (task: SearchTask) => {
  main(task, tell).then(
    (end) => tell(end, () => process.exit()),
    (error: unknown) =>
      tell({ kind: 'ended', reason: 'failed', message: error instanceof Error ? error.message : String(error) }, () => process.exit()),
  );
});
