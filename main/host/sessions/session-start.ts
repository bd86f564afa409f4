/** Where a client begins in a session's output: with the bytes from where it stands, or with a screen at a known offset. */
import type { Offset } from '#protocol/ids.ts';
import type { Size } from '#protocol/shapes.ts';
import type { SizeHistory } from '../output/size-history.ts';
import { MAX_REPLAY_BYTES, type ScreenCheckpoint, type ScreenCheckpoints } from '../screen/screen-checkpoints.ts';
import type { Snapshot } from '../screen/screen-messages.ts';

/**
 * A client that comes back within this much gets all of it, bytes: what it may lag behind, and what is printed while a
 * host that crashed is replaced. Beyond, a fresh screen is there sooner.
 */
const MAX_RESUME_BYTES = 16 * 1024 * 1024;
/** So little output is sent from its beginning, bytes: a new session's prompt, before its screen is asked for. */
const MAX_WHOLE_BYTES = 4 * 1024;

export type Start = {
  mode: 'resume' | 'snapshot';
  offset: Offset;
  size: Size;
  /** Empty in mode `resume`. */
  text: Uint8Array;
  resizeIndex: number;
  replayUntil: Offset;
};

/** The output that a start is chosen in. */
export interface StartSource {
  readonly start: Offset;
  readonly end: Offset;
  /** Up to here it comes for certain, though it may not be here yet. */
  readonly promisedEnd: Offset;
  readonly sizes: SizeHistory;
  readonly checkpoints: ScreenCheckpoints;
  snapshot(): Promise<Snapshot>;
}

const encoder = new TextEncoder();

/** For a client that has everything up to `have`, or nothing, and wants so many lines above the screen. */
export async function chooseStart(wanted: { have: Offset | undefined; scrollback: number }, source: StartSource): Promise<Start> {
  const { have, scrollback } = wanted;
  const { sizes } = source;
  const end = Math.max(source.end, source.promisedEnd);
  if (have !== undefined && have >= source.start && have <= end && end - have <= MAX_RESUME_BYTES) {
    const text = new Uint8Array(0);
    const size = sizes.sizeAt(have);
    return { mode: 'resume', offset: have, size, text, resizeIndex: sizes.indexAfter(have), replayUntil: source.end };
  }
  const origin = source.end <= MAX_WHOLE_BYTES ? originOf(source) : null;
  if (origin) return replay(origin, source);
  const now = await source.snapshot();
  const checkpoint = scrollback > 0 ? replayFrom(source, scrollback, now) : null;
  const replayUntil = source.end;
  if (!checkpoint) {
    const { offset, size, text } = now;
    return { mode: 'snapshot', offset, size, text, resizeIndex: sizes.length, replayUntil };
  }
  return replay(checkpoint, source);
}

function replay({ offset, size, text }: ScreenCheckpoint, { sizes, end }: StartSource): Start {
  return { mode: 'snapshot', offset, size, text: encoder.encode(text), resizeIndex: sizes.indexFrom(offset, size), replayUntil: end };
}

/** The checkpoint from which the output gives the wanted lines, or as many as can be had; null if the screen is all. */
function replayFrom(source: StartSource, scrollback: number, { line, offset }: Snapshot): ScreenCheckpoint | null {
  const found = source.checkpoints.before({ lines: scrollback, top: line, end: offset });
  const origin = originOf(source);
  const checkpoint = found && found.line <= line - scrollback ? found : (origin ?? found);
  // From the origin also where nothing has scrolled away: the client sees the shell's marks of every command.
  const isOfUse = checkpoint && (checkpoint === origin || checkpoint.line < line) && checkpoint.offset >= source.start;
  return isOfUse ? checkpoint : null;
}

/** The empty screen that the session began with: a checkpoint as good as any while its output is held. */
function originOf({ start, end, sizes }: StartSource): ScreenCheckpoint | null {
  const isInReach = start === 0 && end <= MAX_REPLAY_BYTES;
  return isInReach ? { offset: 0 as Offset, size: sizes.sizeAt(0 as Offset), line: 0, text: '' } : null;
}
