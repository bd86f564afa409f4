/** A thread that draws the screen of a session as it was at any place of its output. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { Offset } from '#protocol/ids.ts';
import { segmentContent } from '../output/segment-content.ts';
import { findSegments, type Segment } from '../output/segment-files.ts';
import { SizeHistory } from '../output/size-history.ts';
import { keptScreenBefore } from '../screen/kept-screens.ts';
import { parseScreenCheckpoint, type ScreenCheckpoint } from '../screen/screen-checkpoint.ts';
import { ScreenTerminal } from '../screen/screen-terminal.ts';
import type { ReplayAnswer, ReplayQuery, ReplayScreen } from './replay-messages.ts';

/** Parsed in one step, bytes: marks of the terminal between them stay small. */
const STEP_BYTES = 256 * 1024;
/** Further back than this nothing is drawn from, bytes: a session that kept no screens on the way begins with an empty one. */
const MAX_BACK_BYTES = 4 * 1024 * 1024;

type Start = { offset: Offset; screen: ScreenCheckpoint | null; isExact: boolean };

async function draw(query: ReplayQuery): Promise<ReplayScreen> {
  const { folder, offset: wanted, scrollback } = query;
  const sizes = new SizeHistory([...query.sizes]);
  const { segments } = findSegments(folder);
  const start = await startOf(query);
  const first = start.screen?.size ?? sizes.sizeAt(start.offset);
  const begin = start.screen && new TextEncoder().encode(start.screen.text);
  let terminal = new ScreenTerminal({ offset: start.offset, size: first, snapshot: begin });
  let { isExact } = start;
  let index = sizes.indexFrom(start.offset, first);
  const content = newReader(folder);
  for (let at: number = start.offset; ; ) {
    for (let next = sizes.get(index); next && next.offset <= at; next = sizes.get(++index)) terminal.resize(next.size);
    if (at >= wanted) break;
    const segment = segments.find((each) => each.start + each.bytes > at);
    if (!segment) break;
    const to = Math.min(wanted, at + STEP_BYTES, sizes.get(index)?.offset ?? wanted);
    const bytes = segment.start > at ? null : (await content(segment))?.subarray(at - segment.start, to - segment.start);
    if (bytes && bytes.length > 0) {
      terminal.take(bytes);
      terminal.events(); // nobody answers for the past
      at += bytes.length;
    } else {
      // A hole, or a damaged file: what follows still draws, on an empty screen.
      at = Math.min(wanted, segment.start > at ? segment.start : segment.start + segment.bytes);
      terminal.dispose();
      terminal = new ScreenTerminal({ offset: at as Offset, size: sizes.sizeAt(at as Offset), snapshot: null });
      isExact = false;
    }
  }
  const { offset, size, text } = terminal.snapshot(scrollback);
  terminal.dispose();
  return { offset, size, text: new TextDecoder().decode(text), isExact };
}

/** Unpacks a segment once. */
function newReader(folder: string): (segment: Segment) => Promise<Uint8Array | null> {
  let last: Segment | null = null;
  let content: Promise<Uint8Array | null> = Promise.resolve(null);
  return (segment) => {
    if (segment !== last) content = segmentContent(folder, segment);
    last = segment;
    return content;
  };
}

async function startOf({ folder, start, offset, scrollback }: ReplayQuery): Promise<Start> {
  const recent = await recentScreens(folder);
  const kept = await keptScreenBefore(folder, { start, offset });
  const fitting = [...(kept ? [kept] : []), ...recent.filter((each) => each.offset >= start && each.offset <= offset)];
  // Screens hold a screenful above them: who wants lines above begins further back, where that is not far.
  const farEnough = scrollback > 0 ? fitting.filter((each) => offset - each.offset >= STEP_BYTES) : [];
  const screen = (farEnough.length > 0 ? farEnough : fitting).reduce<ScreenCheckpoint | null>(
    (best, each) => (best && best.offset >= each.offset ? best : each),
    null,
  );
  if (start === 0 && offset <= STEP_BYTES) return { offset: start, screen: null, isExact: true };
  if (screen && offset - screen.offset <= MAX_BACK_BYTES) return { offset: screen.offset, screen, isExact: true };
  const from = Math.max(start, offset - MAX_BACK_BYTES) as Offset;
  return { offset: from, screen: null, isExact: from === 0 };
}

/** Those of the last output, which are dense; damaged lines are skipped. */
async function recentScreens(folder: string): Promise<ScreenCheckpoint[]> {
  const lines = await readFile(join(folder, 'checkpoints.jsonl'), 'utf8').catch(() => ''); // none yet
  return lines.split('\n').flatMap((line) => parseScreenCheckpoint(line) ?? []);
}

const port = parentPort;
if (!port) throw new Error('the replay worker is started by the host, as a worker thread');
/** One at a time: each is short, and the first asked is the first answered. */
let work: Promise<void> = Promise.resolve();
port.on('message', (query: ReplayQuery) => {
  work = work.then(async () => {
    const answer: ReplayAnswer = await draw(query).then(
      (screen) => ({ id: query.id, screen }),
      (error: unknown) => ({ id: query.id, message: error instanceof Error ? error.message : String(error) }),
    );
    port.postMessage(answer);
  });
});
