/**
 * How much of a screen is drawn for whom: all of it, with lines above it, wherever that is not too much. A terminal may have
 * four million cells, and colours make forty bytes of one.
 */
import { MAX_FRAME_BYTES } from '#protocol/frames.ts';
import type { Snapshot } from './screen-messages.ts';
import type { SnapshotWanted } from './terminal-state.ts';

/** A snapshot has fewer lines above the screen where it would be larger, bytes; a screen that alone is larger is no checkpoint. */
export const MAX_SNAPSHOT_BYTES = 4 * 1024 * 1024;
/** A screen of which colours make more is drawn without them, bytes: of 400 000 cells, each in another colour. */
const MAX_SCREEN_BYTES = 16 * 1024 * 1024;
/** JSON of a screen's text in one answer, bytes; the rest of a frame is for what is around it. */
const MAX_ANSWER_BYTES = MAX_FRAME_BYTES - 4096;
/** With fewer and fewer lines above the screen, before there are none. */
const MAX_ATTEMPTS = 4;

/** See `takeSnapshot`. */
type Take = (wanted: SnapshotWanted) => Snapshot | null;

/** For a client's terminal. */
export function snapshotToSend(take: Take, { scrollback, cols }: { scrollback: number; cols: number }): Snapshot {
  const snapshot =
    take({ scrollback, maxBytes: MAX_SNAPSHOT_BYTES }) ??
    take({ scrollback: 0, maxBytes: MAX_SCREEN_BYTES }) ??
    take({ scrollback: 0, plainCols: cols });
  if (!snapshot) throw new Error('a screen without colours was too much');
  return snapshot;
}

/** To be kept, with a screenful above it; null where it is too much. */
export function snapshotToKeep(take: Take, rows: number): Snapshot | null {
  const maxBytes = MAX_SNAPSHOT_BYTES;
  return take({ scrollback: rows, maxBytes }) ?? take({ scrollback: 0, maxBytes });
}

type Answer = Pick<Snapshot, 'offset' | 'size'> & { readonly text: string; readonly isPlain: boolean };

/** For one answer, as JSON. `isPlain`: without colours, and of a very large one without what stands on the right. */
export function snapshotToAnswer(take: Take, { scrollback, cols }: { scrollback: number; cols: number }): Answer {
  let maxBytes = MAX_ANSWER_BYTES;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { answer, over } = taken(take, { scrollback, maxBytes });
    if (answer) return answer;
    maxBytes *= 0.98 / over;
  }
  const { answer } = taken(take, { scrollback: 0, maxBytes: MAX_ANSWER_BYTES });
  if (answer) return answer;
  for (let plainCols = cols; plainCols >= 1; plainCols = Math.floor(plainCols / 2)) {
    const { answer: plain } = taken(take, { scrollback: 0, maxBytes: MAX_ANSWER_BYTES, plainCols });
    if (plain) return plain;
  }
  throw new Error(`a screen of ${cols} columns does not fit an answer`);
}

/** `over`: how many times as large as an answer its JSON is; escaped it takes more, and lines differ in how much. */
function taken(take: Take, wanted: SnapshotWanted): { answer: Answer | null; over: number } {
  const snapshot = take(wanted);
  if (!snapshot) return { answer: null, over: 1 };
  const { offset, size } = snapshot;
  const text = new TextDecoder().decode(snapshot.text);
  const over = Buffer.byteLength(JSON.stringify(text)) / MAX_ANSWER_BYTES;
  return { answer: over <= 1 ? { offset, size, text, isPlain: wanted.plainCols !== undefined } : null, over };
}
