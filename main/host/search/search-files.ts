/** Looks through the output of sessions, newest segments first; what a sketch says cannot hold what is sought is not read. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SessionId } from '#protocol/ids.ts';
import { type Segment, segmentName } from '../output/segment.ts';
import { findSegments } from '../output/segment-files.ts';
import { readTimes, type TimeMark } from '../output/segment-times.ts';
import { certainRuns } from '../sketches/certain-text.ts';
import { mayHold, placesOf } from '../sketches/sketch.ts';
import { NO_NEXT, readSketch, type Sketched } from '../sketches/sketch-file.ts';
import { type Matcher, newMatcher } from './matcher.ts';
import { QuickLook } from './quick-look.ts';
import type { FoundHit, SearchTask, WorkerMessage } from './search-messages.ts';
import { searchBytes } from './segment-search.ts';
import { type Stretch, Stretches } from './stretches.ts';

/** Where to look; `newest`: when the last byte of it came, about. */
type Place = {
  readonly session: SessionId;
  readonly folder: string;
  readonly segment: Segment;
  readonly stretches: Stretches;
  readonly index: number;
  /** What a sketch of it must be of. */
  readonly sketched: Sketched;
  readonly newest: number;
};

export async function searchFiles(
  { sessions, sought, since, limit }: SearchTask,
  post: (message: WorkerMessage) => void,
): Promise<WorkerMessage> {
  const matcher = newMatcher(sought);
  const quick = new QuickLook(sought);
  const places = (await Promise.all(sessions.map(placesIn))).flat().filter(({ newest }) => newest >= (since ?? 0));
  places.sort((a, b) => b.newest - a.newest);
  const sketches = new Sketches(sought, (session) => post({ kind: 'unsketched', session }));
  const totalBytes = places.reduce((sum, { segment }) => sum + segment.bytes, 0);
  const left = places.values();
  let passedBytes = 0;
  /** The next that is worth it, on its way from the disk. */
  const readNext = () => {
    for (const place of left) {
      passedBytes += place.segment.bytes;
      if (sketches.mayHold(place)) return { place, readBytes: passedBytes, reading: place.stretches.read(place.index) };
    }
    return null;
  };
  let hitsLeft = limit;
  let toldBytes = 0;
  const progress = (readBytes: number) => {
    toldBytes = readBytes;
    post({ kind: 'progress', readBytes, totalBytes });
  };
  for (let next = readNext(); next !== null; ) {
    const { place, readBytes, reading } = next;
    const stretch = await reading;
    next = readNext();
    const hits = stretch && quick.mayHold(stretch.joined) ? await hitsIn(place, stretch, matcher) : [];
    const wanted = hits.filter(({ at }) => since === null || at === null || at >= since).slice(0, hitsLeft);
    hitsLeft -= wanted.length;
    if (wanted.length > 0) post({ kind: 'found', hits: wanted });
    progress(readBytes);
    if (hitsLeft <= 0) return { kind: 'ended', reason: 'limit' };
  }
  if (toldBytes < totalBytes) progress(totalBytes);
  return { kind: 'ended', reason: 'complete' };
}

/** What the sketches say of this search. */
class Sketches {
  readonly #wanted: Uint32Array | null;
  readonly #lacking = new Set<SessionId>();
  readonly #tell: (session: SessionId) => void;

  /** Told are sessions of which a sketch should be there and is not, or is damaged. */
  constructor(sought: SearchTask['sought'], tell: (session: SessionId) => void) {
    this.#wanted = placesOf(certainRuns(sought, { isFolded: true }));
    this.#tell = tell;
  }

  /** False: certainly not. */
  mayHold({ session, folder, segment, stretches, index, sketched }: Place): boolean {
    if (!this.#wanted) return true;
    const sketch = readSketch(folder, sketched);
    if (sketch.is === 'right') return mayHold(sketch.filter, this.#wanted);
    const next = stretches.following(index);
    const isComplete = segment.isSealed && (next === null || next.isSealed);
    if ((isComplete || sketch.is === 'damaged') && !this.#lacking.has(session)) {
      this.#lacking.add(session);
      this.#tell(session);
    }
    return true;
  }
}

/** The newest first. */
async function hitsIn({ session, folder, segment }: Place, stretch: Stretch, matcher: Matcher): Promise<FoundHit[]> {
  const { joined, ownBytes, firstLine, isWholeLine } = stretch;
  const found = searchBytes(joined.subarray(firstLine), matcher, (isWholeLine ? joined.length : ownBytes) - firstLine);
  const marks = found.length > 0 ? await readTimes(folder, segment) : [];
  return found.reverse().map(({ at, text, ranges }): FoundHit => {
    const offset = segment.start + firstLine + at;
    return { session, offset, text, ranges, at: timeAt(marks, offset) };
  });
}

async function placesIn({ session, folder }: SearchTask['sessions'][number]): Promise<Place[]> {
  try {
    const { segments } = findSegments(folder);
    const written = await Promise.all(segments.map(async (segment) => (await stat(join(folder, segmentName(segment)))).mtimeMs));
    const times = [...written];
    // Those of a session stay in order, whatever the clock did.
    for (let index = times.length - 2; index >= 0; index--) times[index] = Math.min(times[index] ?? 0, (times[index + 1] ?? 0) - 0.001);
    const stretches = new Stretches(folder, segments);
    const stamps = segments.map((segment, index) => (segment.isSealed ? segment.fileBytes : (written[index] ?? 0)));
    return segments.map((segment, index) => {
      const nextStamp = stretches.following(index) ? (stamps[index + 1] ?? NO_NEXT) : NO_NEXT;
      const sketched = { start: segment.start, bytes: segment.bytes, stamp: stamps[index] ?? 0, nextStamp };
      return { session, folder, segment, stretches, index, sketched, newest: times[index] ?? 0 };
    });
  } catch {
    return []; // removed while it was listed
  }
}

function timeAt(marks: readonly TimeMark[], offset: number): number | null {
  return marks.findLast((mark) => mark.offset <= offset)?.at ?? marks[0]?.at ?? null;
}
