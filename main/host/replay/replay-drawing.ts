/** Draws the screen of a session as it was at a place of its output, from the nearest screen that is known. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Offset } from '#protocol/ids.ts';
import { keptScreenBefore } from '../screen/kept-screens.ts';
import { parseCheckpointLine, type ScreenCheckpoint } from '../screen/screen-checkpoint.ts';
import { PastScreen, type PastStart } from './past-screen.ts';
import type { ReplayScreen, ReplaySource } from './replay-messages.ts';

/** Further back than this nothing is drawn from, bytes, at some 30 ms each MiB: it is a guess until screens are made on the way. */
const MAX_BACK_BYTES = 4 * 1024 * 1024;
/** A guess begins so far back, bytes: what is on a screen is mostly younger. */
const GUESS_BYTES = 1024 * 1024;
/** Screens hold a screenful above them: who wants lines above begins so much further back, bytes. */
const ABOVE_BYTES = 256 * 1024;

type Wanted = { offset: Offset; scrollback: number };

export async function drawPast(source: ReplaySource, { offset: wanted, scrollback }: Wanted): Promise<ReplayScreen> {
  const { isExact, ...start } = await startOf(source, { offset: wanted, scrollback });
  const past = new PastScreen(source, start);
  while (await past.step(wanted));
  const { isPlain, ...screen } = past.answer(scrollback);
  past.dispose();
  return { ...screen, isExact: isExact && !past.hasHole, ...(isPlain ? { isPlain } : {}) };
}

async function startOf({ folder, start }: ReplaySource, { offset, scrollback }: Wanted): Promise<PastStart & { isExact: boolean }> {
  const recent = await recentScreens(folder);
  const kept = await keptScreenBefore(folder, { start, offset });
  const fitting = [...(kept ? [kept] : []), ...recent.filter((each) => each.offset >= start && each.offset <= offset)];
  const farEnough = scrollback > 0 ? fitting.filter((each) => offset - each.offset >= ABOVE_BYTES) : [];
  const screen = (farEnough.length > 0 ? farEnough : fitting).reduce<ScreenCheckpoint | null>(
    (best, each) => (best && best.offset >= each.offset ? best : each),
    null,
  );
  const isFromStart = start === 0 && (!screen || offset <= ABOVE_BYTES);
  if (isFromStart && offset <= MAX_BACK_BYTES) return { offset: start, screen: null, isExact: true };
  if (screen && offset - screen.offset <= MAX_BACK_BYTES) return { offset: screen.offset, screen, isExact: true };
  return { offset: Math.max(start, offset - GUESS_BYTES) as Offset, screen: null, isExact: false };
}

/** Those of the last output, which are dense; damaged lines are skipped. */
export async function recentScreens(folder: string): Promise<ScreenCheckpoint[]> {
  const lines = await readFile(join(folder, 'checkpoints.jsonl'), 'utf8').catch(() => ''); // none yet
  return lines.split('\n').flatMap((line) => parseCheckpointLine(line) ?? []);
}
