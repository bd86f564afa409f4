/** Makes the screens that a session did not keep, or that were damaged: from each that is known on to the next. */
import type { Offset } from '#protocol/ids.ts';
import { intactOffsets, KEPT_APART_BYTES, keepScreen, keptScreenBefore } from '../screen/kept-screens.ts';
import type { ScreenCheckpoint } from '../screen/screen-checkpoint.ts';
import { PastScreen } from './past-screen.ts';
import { recentScreens } from './replay-drawing.ts';
import type { PrepareProgress, ReplaySource } from './replay-messages.ts';

/** A longer way than this between two screens is filled, bytes: a host that runs leaves somewhat more than one between them. */
const MAX_APART_BYTES = 2 * KEPT_APART_BYTES;

/** `screen`: what stands at its beginning; null where that is the beginning of all. */
type Way = { readonly from: Offset; readonly screen: () => Promise<ScreenCheckpoint | null>; readonly to: number };

export type Preparing = {
  /** Called after each step, which takes some 10 ms; what waits for the thread is done before it resolves. False: no more. */
  goesOn(progress: PrepareProgress): Promise<boolean>;
};

/** False where it was ended before its time. Rejects where the disk refuses. */
export async function prepareScreens(source: ReplaySource, { goesOn }: Preparing): Promise<boolean> {
  const ways = await waysOf(source);
  const total = ways.reduce((sum, { from, to }) => sum + to - from, 0);
  let before = 0;
  for (const { from, screen, to } of ways) {
    const past = new PastScreen(source, { offset: from, screen: await screen() });
    try {
      let last: number = from;
      for (let isMore = true; isMore; ) {
        const made: ScreenCheckpoint[] = [];
        isMore = await past.step(to, (marked) => {
          if (marked.offset - last < KEPT_APART_BYTES || past.hasHole) return;
          last = marked.offset;
          made.push(marked);
        });
        for (const each of made) await keepScreen(source.folder, each);
        if (past.hasHole) break; // nothing behind it is known, until the next way begins
        if (!(await goesOn({ done: before + past.at - from, total }))) return false;
      }
    } finally {
      past.dispose();
    }
    before += to - from;
  }
  return true;
}

async function waysOf({ folder, start, end }: ReplaySource): Promise<Way[]> {
  const recent = (await recentScreens(folder)).map((screen) => ({ from: screen.offset, screen: async () => screen }));
  const kept = (await intactOffsets(folder)).map((from) => ({
    from,
    screen: () => keptScreenBefore(folder, { start: from, offset: from }),
  }));
  const known: Omit<Way, 'to'>[] = [...recent, ...kept].filter(({ from }) => from >= start && from <= end).sort((a, b) => a.from - b.from);
  if (start === 0) known.unshift({ from: start, screen: async () => null });
  return known.flatMap((each, at) => {
    const to = known[at + 1]?.from ?? end;
    return to - each.from > MAX_APART_BYTES ? [{ ...each, to }] : [];
  });
}
