/** A thread that draws screens of the past, and between them makes those that sessions did not keep. */
import { parentPort } from 'node:worker_threads';
import { drawPast } from './replay-drawing.ts';
import type { ReplayAnswer, ReplayQuery } from './replay-messages.ts';
import { prepareScreens } from './replay-preparing.ts';

type Query<Is extends ReplayQuery['is']> = Extract<ReplayQuery, { is: Is }>;

/** Told of at most so often, milliseconds. */
const TELL_EVERY_MS = 100;

const port = parentPort;
if (!port) throw new Error('the replay worker is started by the host, as a worker thread');
const answer = (message: ReplayAnswer) => port.postMessage(message);
const cancelled = new Set<number>();
/** One at a time: each is short, and the first asked is the first answered. */
let drawn: Promise<void> = Promise.resolve();
/** As well, but long: it lets those pass. */
let prepared: Promise<void> = Promise.resolve();

port.on('message', (query: ReplayQuery) => {
  if (query.is === 'cancel') cancelled.add(query.id);
  else if (query.is === 'draw') drawn = drawn.then(() => draw(query)).catch((error: unknown) => failed(query.id, error));
  else prepared = prepared.then(() => prepare(query)).catch((error: unknown) => failed(query.id, error));
});

async function draw({ id, source, ...wanted }: Query<'draw'>): Promise<void> {
  answer({ id, screen: await drawPast(source, wanted) });
}

async function prepare({ id, source }: Query<'prepare'>): Promise<void> {
  let toldAt = performance.now();
  const isPrepared =
    !cancelled.has(id) &&
    (await prepareScreens(source, {
      goesOn: async (progress) => {
        await new Promise((soon) => setImmediate(soon));
        await drawn;
        if (performance.now() - toldAt > TELL_EVERY_MS) {
          toldAt = performance.now();
          answer({ id, progress });
        }
        return !cancelled.has(id);
      },
    }));
  cancelled.delete(id);
  answer({ id, isPrepared });
}

function failed(id: number, error: unknown): void {
  cancelled.delete(id);
  answer({ id, message: error instanceof Error ? error.message : String(error) });
}
